"""Identifies callers, and proves that a link or a callback is Kiln's own."""
