"""A warm ``submit``: its CPU time and its instructions, beside the least that such a request can cost."""
