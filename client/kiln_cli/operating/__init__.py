"""The commands for operators: callers, keys, tasks, dispatch, and a check of the installation."""
