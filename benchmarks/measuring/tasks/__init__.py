"""Whole tasks on the local stack: calls, throughput, wake-ups, the list of tasks, a crowd."""
