"""The simulated provider's HTTP routes."""
