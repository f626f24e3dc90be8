"""Sends a caller's receiver one signed sample of a webhook, and says what the receiver answered."""

from __future__ import annotations

import time

from pydantic import BaseModel, ConfigDict, Field

from kiln import clock
from kiln.auth.callers import Caller
from kiln.contract.answers import CallbackBody, TaskInfo
from kiln.contract.request import parse_body
from kiln.contract.vocabulary import URL_CHARACTERS, TaskStatus
from kiln.errors import TooManyWebhookTests
from kiln.tasks.admission import Admission
from kiln.tasks.ids import new_task_id

TESTS_PER_MINUTE = 10
"""A test sends a request to an address of the caller's choice, so a caller has few a minute."""

_UNSIGNED = ("webhook-id", "webhook-timestamp")


class WebhookTestRequest(BaseModel, defer_build=True):
    """The body of *test a webhook*."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    url: str = Field(min_length=1, max_length=URL_CHARACTERS, description="The receiver's address")


class WebhookTest(BaseModel, defer_build=True):
    """``data`` of the answer to *test a webhook*."""

    is_delivered: bool = Field(description="Whether the receiver answered with a 2xx in time")
    http_status: int | None = Field(default=None, description="What the receiver answered; absent without an answer")
    reason: str = Field(default="", description="Why it failed; empty otherwise")
    milliseconds: int = Field(description="From the beginning of the request to the answer", ge=0)
    signature_headers: list[str] = Field(
        description="The headers of Standard Webhooks that were sent; webhook-signature only for a caller with a secret"
    )


def send_sample(body: str | bytes, caller: Caller) -> WebhookTest:
    """Makes one attempt to deliver a sample, as a task's change to ``succeed`` is delivered.

    Raises:
        MalformedRequest: The body is not a JSON object (1200).
        InvalidRequest: There is no URL in it (1201).
        TooManyWebhookTests: The caller's minute is used up (1302).
    """
    # It loads httpx, which no other request of this function needs.
    from kiln.webhooks.delivery import DeliveryOutcome, deliver  # noqa: PLC0415

    url = parse_body(WebhookTestRequest, body).url
    Admission().count(caller.name, per_minute=TESTS_PER_MINUTE, kind=TooManyWebhookTests)
    now = clock.milliseconds()
    sample = CallbackBody(
        task_id=new_task_id(),
        task_status=TaskStatus.SUCCEED,
        task_info=TaskInfo(external_task_id="webhook-test"),
        created_at=now,
        updated_at=now,
    )
    began = time.monotonic()
    delivery = deliver(url, f"test-{sample.task_id}", sample, secret=caller.webhook_secret, attempt=0)
    return WebhookTest(
        is_delivered=delivery.outcome is DeliveryOutcome.DELIVERED,
        http_status=delivery.http_status,
        reason=delivery.reason.replace("callback_url: ", "url: "),
        milliseconds=round((time.monotonic() - began) * 1_000),
        signature_headers=[*_UNSIGNED, *(["webhook-signature"] if caller.webhook_secret else [])],
    )
