"""Unit tests of ``operating``."""
