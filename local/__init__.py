"""The local stack: the template on a simulated AWS, with a simulated provider, on one computer."""
