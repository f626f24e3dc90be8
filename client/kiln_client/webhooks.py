"""Webhooks as they arrive at a caller: whether one is Kiln's, and what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kiln_client.answers import Task
from kiln_client.errors import NotConfigured, WebhookRefused


def verify_webhook(body: bytes | str, headers: Mapping[str, str], secret: str) -> Task:
    """Checks a webhook's signature and age, and reads the task that it tells of.

    Args:
        body: The request's body, untouched.
        headers: The request's headers.
        secret: Your ``webhook_secret`` (``whsec_…``).

    Raises:
        WebhookRefused: It is not Kiln's, not whole, or more than five minutes old.
        NotConfigured: ``standardwebhooks`` is not installed.
    """
    try:
        from standardwebhooks import Webhook, WebhookVerificationError  # noqa: PLC0415 - an extra, for receivers alone
    except ImportError:
        raise NotConfigured("verify_webhook needs standardwebhooks: pip install 'kiln-client[webhooks]'") from None
    try:
        Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
    # A signature that is not Base64 is a ValueError there.
    except (WebhookVerificationError, ValueError) as error:
        raise WebhookRefused(f"the webhook's signature is wrong: {error}") from error
    return Task.read(json.loads(body))
