"""The faults that the simulation can have, and how it causes each."""
