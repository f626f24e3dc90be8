"""Delivers the callback body to a caller's ``callback_url``: one attempt, signed, and what to do after it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import cache

import httpx
from pydantic import BaseModel
from standardwebhooks import Webhook

from kiln.addresses import ForbiddenAddress, check_url
from kiln.settings import WebhookSettings, load
from kiln.webhooks.guarded_transport import GuardedTransport
from kiln.webhooks.retry_schedule import SCHEDULE_SECONDS, seconds_to_wait, seconds_until

_ATTEMPT_SECONDS = 15.0
_CONNECT_SECONDS = 5.0
_GONE = 410


class DeliveryOutcome(StrEnum):
    """The outcome of an attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GIVEN_UP = "given_up"


class Delivery(BaseModel, defer_build=True):
    """One attempt.

    Attributes:
        outcome: What it came to.
        attempt: How many attempts there have been.
        wait: Seconds until the next one, when there is to be one.
        http_status: What the receiver answered, if it did.
        reason: In words.
    """

    outcome: DeliveryOutcome
    attempt: int
    wait: int = 0
    http_status: int | None = None
    reason: str = ""


def signed_headers(event_id: str, body: str, secret: str) -> dict[str, str]:
    """Standard Webhooks' headers; without a secret the signature is left out.

    Args:
        event_id: Stable across retries.
        body: As it is sent.
        secret: ``whsec_…`` of the caller, or an empty text.
    """
    now = datetime.now(tz=UTC)
    headers = {"webhook-id": event_id, "webhook-timestamp": str(int(now.timestamp()))}
    if secret:
        headers["webhook-signature"] = Webhook(secret).sign(event_id, now, body)
    return headers


def deliver(
    url: str, event_id: str, body: BaseModel, *, secret: str, attempt: int, client: httpx.Client | None = None
) -> Delivery:
    """Makes one attempt: 2xx is success, redirects are not followed, 410 ends it, ``Retry-After`` is honoured.

    Args:
        url: The caller's ``callback_url``.
        event_id: Becomes ``webhook-id``.
        body: What is posted.
        secret: Signs it.
        attempt: How many attempts there have been before.
        client: An httpx client.
    """
    attempt += 1
    text = body.model_dump_json()
    try:
        headers = {"content-type": "application/json", **signed_headers(event_id, text, secret)}
    except ValueError:
        return _given_up(attempt, "webhook_secret: must be whsec_ and Base64")
    try:
        check_url(url, load(WebhookSettings))
        with (client or _client()).stream(
            "POST", url, content=text, headers=headers, follow_redirects=False
        ) as response:
            status, retry_after = response.status_code, response.headers.get("retry-after", "")
    except ForbiddenAddress as forbidden:
        return _given_up(attempt, f"callback_url: {forbidden}")
    except (httpx.InvalidURL, UnicodeError):
        # The host is no valid name in any script; only httpx knows them all.
        return _given_up(attempt, "callback_url: must be an http(s) URL with a host that can be called")
    except httpx.HTTPError as error:
        return _after_failure(attempt, f"no answer: {type(error).__name__}")
    if 200 <= status < 300:
        return Delivery(outcome=DeliveryOutcome.DELIVERED, attempt=attempt, http_status=status)
    if status == _GONE:
        return _given_up(attempt, "the receiver is gone", status)
    return _after_failure(attempt, f"HTTP {status}", status, seconds_until(retry_after))


@cache
def _client() -> httpx.Client:
    from kiln.request_deadline import DeadlineTransport  # noqa: PLC0415 - loads what httpx loads with its first client

    # Connections are known by address: two hosts behind one address must not share what was proved for the first.
    timed = DeadlineTransport(_ATTEMPT_SECONDS, limits=httpx.Limits(max_keepalive_connections=0))
    return httpx.Client(
        timeout=httpx.Timeout(_ATTEMPT_SECONDS, connect=_CONNECT_SECONDS),
        transport=timed if load(WebhookSettings).allow_private else GuardedTransport(timed),
        trust_env=False,
    )


def _given_up(attempt: int, reason: str, http_status: int | None = None) -> Delivery:
    return Delivery(outcome=DeliveryOutcome.GIVEN_UP, attempt=attempt, http_status=http_status, reason=reason)


def _after_failure(attempt: int, reason: str, http_status: int | None = None, retry_after: int = 0) -> Delivery:
    if attempt > len(SCHEDULE_SECONDS):
        outcome, wait = DeliveryOutcome.GIVEN_UP, 0
    else:
        outcome, wait = DeliveryOutcome.RETRY, seconds_to_wait(attempt, retry_after)
    return Delivery(outcome=outcome, attempt=attempt, wait=wait, http_status=http_status, reason=reason)
