"""Costs of Kiln: a task, a month, an installation at rest, and the alternatives."""
