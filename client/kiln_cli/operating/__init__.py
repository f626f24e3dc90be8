"""The commands for operators: who may call, what became of a task, dispatch, and whether the installation is well."""
