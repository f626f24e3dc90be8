"""How a task comes to be: from a create request, a drop into the inbox bucket or an event; uploads and cancelling."""
