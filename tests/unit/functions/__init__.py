"""Unit tests of the handlers, driven by the sample events."""
