"""The Python client and the command line, without a stack."""
