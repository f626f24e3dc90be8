"""Verifies a webhook that a caller has received."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kiln_client.answers import Task
from kiln_client.batches import Batch
from kiln_client.errors import NotConfigured, WebhookRefused


def verify_webhook(body: bytes | str, headers: Mapping[str, str], secret: str) -> Task:
    """Checks a webhook's signature and age, and returns its task.

    Args:
        body: The request's body, unchanged.
        headers: The request's headers.
        secret: Your ``webhook_secret`` (``whsec_…``).

    Raises:
        WebhookRefused: Kiln did not send it, it was changed, or it is more than five minutes old.
        NotConfigured: ``standardwebhooks`` is not installed.
    """
    return Task.read(_verified(body, headers, secret))


def verify_batch_webhook(body: bytes | str, headers: Mapping[str, str], secret: str) -> Batch:
    """Checks the webhook of a batch's end as ``verify_webhook`` does, and returns its batch."""
    return Batch.read(_verified(body, headers, secret))


def _verified(body: bytes | str, headers: Mapping[str, str], secret: str) -> dict[str, Any]:
    try:
        from standardwebhooks import Webhook, WebhookVerificationError  # noqa: PLC0415 - an extra for receivers only
    except ImportError:
        raise NotConfigured("verify_webhook needs standardwebhooks: pip install 'kiln-client[webhooks]'") from None
    try:
        Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
    # The package raises ValueError for a signature that is not Base64.
    except (WebhookVerificationError, ValueError) as error:
        raise WebhookRefused(f"the webhook's signature is wrong: {error}") from error
    content: dict[str, Any] = json.loads(body)
    return content
