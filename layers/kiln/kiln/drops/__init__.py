"""The drop feature: from objects in the inbox bucket to ``result.json`` in the outbox bucket."""
