"""Runs things and measures them: each figure beside a reference that ran in the same run."""
