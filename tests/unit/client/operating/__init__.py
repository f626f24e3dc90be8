"""Unit tests of the operators' commands."""
