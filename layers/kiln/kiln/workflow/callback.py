"""The bell of a task: what the provider's webhook may do, and no more."""

from __future__ import annotations

from collections.abc import Mapping

from kiln import metrics, secrets
from kiln.auth import signatures
from kiln.errors import BodyTooLarge, ResourceNotFound, TaskNotFound
from kiln.provider.credentials import ProviderCredentials
from kiln.settings import ProviderSecretSettings, load
from kiln.waking import wake

CALLBACK_PURPOSE = "callback"
"""What the token in a callback's address is for."""

BODY_BYTES = 256 * 1024
"""A callback's body: at most so much is read (Kiln's own bound; nine images' links are a few kilobytes)."""


def ring_for(task_id: str, token: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Wakes a task's workflow on behalf of whoever holds its callback URL.

    Args:
        task_id: From the URL.
        token: From the URL.
        body: As it was sent; read only to check its signature, where the provider's account has a webhook secret.
        headers: As they were sent.

    Returns:
        Whether a parked workflow was woken.

    Raises:
        BodyTooLarge: The body is over 256 KB, whatever its address.
        ResourceNotFound: The token is not this task's, the signature is wrong, or the task is no longer kept: no
            difference can be told.
    """
    if len(body) > BODY_BYTES:
        raise BodyTooLarge(f"body: must be at most {BODY_BYTES} bytes, got {len(body)}")
    if not signatures.is_token(token, CALLBACK_PURPOSE, task_id) or not _is_signed(body, headers):
        raise ResourceNotFound("no such callback")
    metrics.record(metrics.CALLBACKS)
    try:
        return wake(task_id)
    except TaskNotFound:
        raise ResourceNotFound("no such callback") from None


def _is_signed(body: bytes, headers: Mapping[str, str]) -> bool:
    secret = secrets.read(load(ProviderSecretSettings).secret_arn, ProviderCredentials).webhook_secret
    if not secret:
        return True
    # Most accounts have no such secret, and then nothing is paid for it.
    from standardwebhooks import Webhook, WebhookVerificationError  # noqa: PLC0415

    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # A malformed header is a ValueError to the library, and so is a body that is not UTF-8.
        return False
    return True
