"""The commands for pictures."""
