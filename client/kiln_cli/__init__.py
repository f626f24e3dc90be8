"""The command line of Kiln: commands for pictures, and commands for operators of a stack."""
