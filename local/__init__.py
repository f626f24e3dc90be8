"""The embedded default: the template on a local AWS, with a simulated provider, on one computer."""
