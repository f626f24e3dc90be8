"""Unit tests of ``webhooks``."""
