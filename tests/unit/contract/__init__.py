"""Unit tests of ``contract``."""
