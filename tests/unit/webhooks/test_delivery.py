"""Delivering to a ``callback_url``: signatures anyone can verify, one attempt, and what follows each answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from kiln.contract import CallbackBody, TaskStatus
from kiln.webhooks import guarded_transport
from kiln.webhooks.delivery import SCHEDULE_SECONDS, DeliveryOutcome, deliver, signed_headers
from tests.support.slow_network import SlowNetwork

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
URL = "https://caller.test/hook?token=1"
BODY = CallbackBody(task_id="task-1", task_status=TaskStatus.SUCCEED, created_at=1, updated_at=2)
Answers = Callable[[httpx.Request], httpx.Response]


def attempt(answers: Answers, attempts: int = 0, url: str = URL, secret: str = SECRET):
    client = httpx.Client(transport=httpx.MockTransport(answers))
    return deliver(url, "event-1", BODY, secret=secret, attempt=attempts, client=client)


def answering(status: int, **headers: str) -> Answers:
    return lambda _: httpx.Response(status, headers={name.replace("_", "-"): text for name, text in headers.items()})


def test_signature_matches_the_published_test_vector():
    body = (
        '{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}'
    )
    signature = Webhook(SECRET).sign("9876543210", datetime.fromtimestamp(1_781_080_794, tz=UTC), body)
    assert signature == "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="


def test_headers_are_those_of_standard_webhooks():
    before = int(datetime.now(tz=UTC).timestamp())
    headers = signed_headers("event-1", '{"a": "猫"}', SECRET)
    assert set(headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert headers["webhook-id"] == "event-1"
    assert before <= int(headers["webhook-timestamp"]) <= datetime.now(tz=UTC).timestamp()
    assert Webhook(SECRET).verify('{"a": "猫"}', headers) == {"a": "猫"}


def test_missing_secret_sends_no_signature():
    assert set(signed_headers("event-1", "{}", "")) == {"webhook-id", "webhook-timestamp"}


def test_delivered_body_is_the_contracts_and_verifies():
    def receiver(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", URL)
        assert request.headers["content-type"] == "application/json"
        assert "authorization" not in request.headers
        assert Webhook(SECRET).verify(request.content, dict(request.headers))["task_id"] == "task-1"
        charges = {"final_unit_deduction", "final_balance_deduction"}
        assert set(json.loads(request.content)) == set(CallbackBody.model_fields) - charges
        return httpx.Response(200)

    delivery = attempt(receiver)
    assert (delivery.outcome, delivery.attempt, delivery.http_status) == (DeliveryOutcome.DELIVERED, 1, 200)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status):
    assert attempt(answering(status)).outcome is DeliveryOutcome.DELIVERED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_failures_and_are_not_followed(status):
    asked = []

    def receiver(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"Location": "https://elsewhere.test/"})

    delivery = attempt(receiver)
    assert (delivery.outcome, delivery.reason) == (DeliveryOutcome.RETRY, f"HTTP {status}")
    assert asked == [URL]


@pytest.mark.parametrize("status", [400, 401, 404, 408, 429, 500, 502, 503, 504])
def test_other_statuses_are_retried(status):
    delivery = attempt(answering(status))
    assert (delivery.outcome, delivery.attempt, delivery.reason) == (DeliveryOutcome.RETRY, 1, f"HTTP {status}")
    assert 5 <= delivery.wait <= 6


def test_status_410_is_not_retried():
    delivery = attempt(answering(410))
    assert (delivery.outcome, delivery.wait) == (DeliveryOutcome.GIVEN_UP, 0)


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectTimeout("x"), httpx.ReadTimeout("x"), httpx.ConnectError("x"), httpx.RemoteProtocolError("x")],
)
def test_missing_answer_is_retried_and_named_without_the_address(error):
    def receiver(_: httpx.Request) -> httpx.Response:
        raise error

    delivery = attempt(receiver)
    assert (delivery.outcome, delivery.reason) == (
        DeliveryOutcome.RETRY,
        f"no answer: {type(error).__name__}",
    )
    assert delivery.http_status is None


@pytest.mark.parametrize("allow_private", ["false", "true"])
@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\nX: ", *[b"a"] * 40, b"\r\n\r\n"],
        [*[b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 40, b"HTTP/1.1 200 OK\r\n\r\n"],
    ],
)
def test_slow_answer_is_a_timeout(monkeypatch, answer, allow_private):
    monkeypatch.setenv("ALLOW_PRIVATE_CALLBACKS", allow_private)
    monkeypatch.setattr(guarded_transport, "_resolve", lambda *_: ["93.184.215.14"])
    network = SlowNetwork(monkeypatch, answer, seconds=2)
    delivery = deliver(URL, "event-1", BODY, secret=SECRET, attempt=0)
    assert (delivery.outcome, delivery.attempt) == (DeliveryOutcome.RETRY, 1)
    assert delivery.reason == "no answer: ReadTimeout"
    assert network.now == 1_015


@pytest.mark.parametrize("allow_private", ["false", "true"])
def test_connection_is_closed_after_each_delivery(monkeypatch, allow_private):
    monkeypatch.setenv("ALLOW_PRIVATE_CALLBACKS", allow_private)
    monkeypatch.setattr(guarded_transport, "_resolve", lambda *_: ["93.184.215.14"])
    network = SlowNetwork(monkeypatch, [b"HTTP/1.1 204 No Content\r\n\r\n"] * 2)
    for _ in range(2):
        assert deliver(URL, "event-1", BODY, secret=SECRET, attempt=0).outcome is DeliveryOutcome.DELIVERED
    assert len(network.allowed("connect")) == 2


@pytest.mark.parametrize("secret", ["whsec_not-base64!", "whsec_a"])
def test_invalid_secret_is_a_named_failure(secret):
    delivery = attempt(answering(200), secret=secret)
    assert (delivery.outcome, delivery.reason) == (
        DeliveryOutcome.GIVEN_UP,
        "webhook_secret: must be whsec_ and Base64",
    )


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "hooks..test", ".caller.test"])
def test_impossible_host_is_not_retried_and_is_named(host):
    # Accepted by an earlier release.
    delivery = attempt(answering(200), url=f"https://{host}/hook")
    assert (delivery.outcome, delivery.attempt) == (DeliveryOutcome.GIVEN_UP, 1)
    assert delivery.reason == "callback_url: must have a host of labels of 1 to 63 characters"


@pytest.mark.parametrize("host", ["☃.test", "a\u200db.test", "ü" * 63 + ".test", "xn--a.test"])
def test_host_without_ascii_form_is_not_retried_and_is_named(host):
    delivery = attempt(answering(200), url=f"https://{host}/hook")
    assert (delivery.outcome, delivery.attempt) == (DeliveryOutcome.GIVEN_UP, 1)
    assert delivery.reason == "callback_url: must be an http(s) URL with a host that can be called"


@pytest.mark.parametrize("attempts", range(len(SCHEDULE_SECONDS)))
def test_waits_follow_the_schedule_with_jitter(attempts):
    delivery = attempt(answering(500), attempts)
    assert delivery.attempt == attempts + 1
    assert SCHEDULE_SECONDS[attempts] <= delivery.wait <= SCHEDULE_SECONDS[attempts] * 1.1


def test_delivery_is_abandoned_after_the_last_wait():
    delivery = attempt(answering(500), len(SCHEDULE_SECONDS))
    assert (delivery.outcome, delivery.reason) == (DeliveryOutcome.GIVEN_UP, "HTTP 500")


def test_schedule_covers_more_than_a_day():
    assert sum(SCHEDULE_SECONDS) > 86_400


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        ("60", 60, 60),
        ("1", 5, 6),  # Sooner than the schedule is not asked for.
        ("0", 5, 6),
        ("999999999999", SCHEDULE_SECONDS[-1], SCHEDULE_SECONDS[-1]),
        ("9" * 5_000, SCHEDULE_SECONDS[-1], SCHEDULE_SECONDS[-1]),
        ("-5", 5, 6),
        ("1.5", 5, 6),
        ("soon", 5, 6),
        ("\u00b2", 5, 6),
        ("", 5, 6),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 5, 6),
        ("Fri, 31 Dec 2100 23:59:59 GMT", SCHEDULE_SECONDS[-1], SCHEDULE_SECONDS[-1]),
        ("Fri, 31 Dec 2100 23:59:59 -0000", SCHEDULE_SECONDS[-1], SCHEDULE_SECONDS[-1]),
        ("Fri, 99 Dec 99999 23:59:59 GMT", 5, 6),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999", 5, 6),
        ("Mon, 01 Jan 2024 00:00:00 -99999999999999", 5, 6),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 5, 6),
        ("Fri, 31 Dec 9999 23:59:59 -2359", SCHEDULE_SECONDS[-1], SCHEDULE_SECONDS[-1]),
        ("99999999999999999999 Jan 2024 00:00:00 GMT", 5, 6),
        (",", 5, 6),
        ("Mon, 01 Jan 2024 " + "0:" * 5_000, 5, 6),
    ],
)
def test_retry_after_is_honoured_up_to_a_limit(retry_after, least, most):
    def receiver(_: httpx.Request) -> httpx.Response:
        return httpx.Response(503, headers=[(b"retry-after", retry_after.encode("latin-1"))])

    assert least <= attempt(receiver).wait <= most


def test_answer_body_is_not_read():
    def body():
        raise AssertionError("the body was read")
        yield b""

    assert attempt(lambda _: httpx.Response(200, content=body())).outcome is DeliveryOutcome.DELIVERED


def test_plain_http_is_refused_by_default(monkeypatch):
    delivery = attempt(answering(200), url="http://caller.test/hook")
    assert (delivery.outcome, delivery.attempt) == (DeliveryOutcome.GIVEN_UP, 1)


def test_plain_http_is_accepted_when_allowed(monkeypatch):
    monkeypatch.setenv("ALLOW_HTTP_CALLBACKS", "true")
    assert attempt(answering(200), url="http://caller.test/hook").outcome is DeliveryOutcome.DELIVERED
