"""Tasks: what one is, and the only code that writes one."""
