"""Unit tests of ``auth``."""
