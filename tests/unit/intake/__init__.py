"""Unit tests of ``intake``."""
