"""How a task comes to be: from a create request, or from a drop into the inbox bucket."""
