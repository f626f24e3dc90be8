"""The simulated account, its tasks, and the life of each."""
