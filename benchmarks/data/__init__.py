"""Recorded and written-down inputs. Each file is beside the module of the same name, which reads it."""
