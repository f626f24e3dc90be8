"""What Kiln costs: a task, a month, an installation at rest, and the alternatives."""
