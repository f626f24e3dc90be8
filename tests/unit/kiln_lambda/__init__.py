"""Unit tests of ``kiln_lambda``."""
