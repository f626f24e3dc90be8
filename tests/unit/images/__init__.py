"""Unit tests of ``images``."""
