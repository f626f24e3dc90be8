"""The steps of a task's workflow that need thought; each returns its outcome as data, for a Choice to route on."""
