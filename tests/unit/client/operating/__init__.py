"""Unit tests of the commands for operators."""
