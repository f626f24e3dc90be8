"""The simulated accounts, their tasks, and the life of each."""
