"""Unit tests of ``workflow``."""
