"""The command line of Kiln: pictures for everybody, and what those need who run a stack."""
