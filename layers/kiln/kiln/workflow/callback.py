"""The provider's callback: it wakes the task's workflow, or does nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kiln import links, metrics
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import BodyTooLarge, ResourceNotFound, TaskNotFound
from kiln.provider.accounts import webhook_secrets
from kiln.tasks.wake_up import wake

BODY_BYTES = 256 * 1024
"""The longest body of a callback (Kiln's own bound; the links of nine images are a few kilobytes)."""


def wake_for_callback(task_id: str, token: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Wakes a task's workflow for a caller of its callback link, unless the body reports what Kiln knows.

    To ignore a callback does no more harm than to lose it, and lost callbacks are what the timer is for. So the body is
    still not believed.

    Args:
        task_id: From the link.
        token: From the link.
        body: As it was sent.
        headers: As they were sent.

    Returns:
        Whether a parked workflow was woken.

    Raises:
        BodyTooLarge: The body is over 256 KB, whatever its address.
        ResourceNotFound: The token is not this task's, the signature is wrong, or the task is no longer stored. The
            answer does not say which.
    """
    if len(body) > BODY_BYTES:
        raise BodyTooLarge(f"body: must be at most {BODY_BYTES} bytes, got {len(body)}")
    if not links.is_callback_token(task_id, token) or not _is_signed(body, headers):
        raise ResourceNotFound("no such callback")
    metrics.record(metrics.CALLBACKS)
    status = reported_status(body)
    if status == TaskStatus.SUBMITTED:
        return False
    try:
        return wake(task_id, unless_processing=status == TaskStatus.PROCESSING)
    except TaskNotFound:
        raise ResourceNotFound("no such callback") from None


def reported_status(body: bytes) -> str:
    """The contract's status that a callback reports; empty if there is none. It can spare a wake-up, nothing else."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    status = said.get("task_status") if isinstance(said, dict) else None
    return status if isinstance(status, str) and status in set(TaskStatus) else ""


def _is_signed(body: bytes, headers: Mapping[str, str]) -> bool:
    """Whether any account's secret signed this, or there is an account that does not sign."""
    known = webhook_secrets()
    if not all(known):
        return True
    # Most accounts have no such secret; they do not pay for the import.
    from standardwebhooks import Webhook, WebhookVerificationError  # noqa: PLC0415

    for secret in known:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError):
            # The library raises ValueError for a malformed header, and for a body that is not UTF-8.
            continue
        return True
    return False
