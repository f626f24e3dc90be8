"""Unit tests of ``provider``."""
