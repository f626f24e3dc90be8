"""Webhooks in both directions: Standard Webhooks signatures, and the delivery to a caller's ``callback_url``."""
