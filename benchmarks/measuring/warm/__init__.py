"""A warm ``submit``: its CPU time and its instructions, beside the same work by the plain SDK."""
