"""Writes tables and plots into ``docs/``."""
