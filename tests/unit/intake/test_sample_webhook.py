"""The test of a webhook: one signed sample, what the receiver answered, and where it may not be sent."""

from __future__ import annotations

import json

import httpx
import pytest
from standardwebhooks import Webhook

from kiln.auth.callers import Caller
from kiln.contract.answers import CallbackBody
from kiln.errors import InvalidRequest, MalformedRequest, TooManyWebhookTests
from kiln.intake.sample_webhook import TESTS_PER_MINUTE, send_sample
from kiln.webhooks import delivery

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
ADA = Caller(name="ada", webhook_secret=SECRET)
URL = "https://caller.test/hook"

pytestmark = pytest.mark.usefixtures("cloud")


def body(url: str = URL) -> str:
    return json.dumps({"url": url})


@pytest.fixture
def received(monkeypatch) -> list[httpx.Request]:
    """The requests of a receiver that answers 204, or 500 to a path ``/broken``."""
    requests: list[httpx.Request] = []

    def receiver(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(500 if request.url.path == "/broken" else 204)

    monkeypatch.setattr(delivery, "_client", lambda: httpx.Client(transport=httpx.MockTransport(receiver)))
    return requests


def test_sample_is_signed_and_the_answer_is_described(received):
    made = send_sample(body(), ADA)
    assert (made.is_delivered, made.http_status, made.reason) == (True, 204, "")
    assert made.signature_headers == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    [request] = received
    sample = Webhook(SECRET).verify(request.content, dict(request.headers))
    assert CallbackBody.model_validate(sample).task_info.external_task_id == "webhook-test"


def test_sample_for_a_caller_without_a_secret_is_not_signed(received):
    assert send_sample(body(), Caller(name="ada")).signature_headers == ["webhook-id", "webhook-timestamp"]
    assert "webhook-signature" not in received[0].headers


@pytest.mark.parametrize(
    ("url", "http_status", "reason"),
    [
        ("https://caller.test/broken", 500, "HTTP 500"),
        ("http://caller.test/hook", None, "url: must be an https URL"),
        ("https://127.1/", None, "url: must not be a private, link-local or otherwise internal address"),
    ],
)
def test_refused_sample_says_why(received, url, http_status, reason):
    made = send_sample(body(url), ADA)
    assert (made.is_delivered, made.http_status, made.reason) == (False, http_status, reason)
    assert len(received) == (http_status is not None)


@pytest.mark.parametrize(("sent", "error"), [("{}", InvalidRequest), ("[]", MalformedRequest), ("x", MalformedRequest)])
def test_body_without_a_url_is_refused(received, sent, error):
    with pytest.raises(error):
        send_sample(sent, ADA)
    assert received == []


def test_tests_of_a_minute_are_limited(received, one_minute):
    for _ in range(TESTS_PER_MINUTE):
        send_sample(body(), ADA)
    with pytest.raises(TooManyWebhookTests, match="at most 10 webhooks may be tested a minute"):
        send_sample(body(), ADA)
