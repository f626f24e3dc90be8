"""Webhooks of each status: signed, sent to receivers that refuse in every way, and recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from standardwebhooks import Webhook

from local.receiver import Receiver
from local.stack import TASKS_PATH
from tests.integration.client import NEVER, Client, JsonObject, job, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_failed, assert_succeeded
from tests.integration.steps import assert_of_shape, callback_body, webhooks

LIMIT = 20_000
"""A webhook's body is at most so long (Standard Webhooks)."""


def deliveries(client: Client, either_id: str) -> list[JsonObject]:
    answer = client.send("GET", f"{TASKS_PATH}/{either_id}/deliveries")
    assert answer.status_code == 200, answer.text
    attempts: list[JsonObject] = answer.json()["data"]
    return attempts


def of(attempts: list[JsonObject], status: str) -> list[JsonObject]:
    return [attempt for attempt in attempts if attempt["task_status"] == status]


def test_every_status_sends_a_signed_webhook(kiln: Deployment, signed_client: Client, receiver: Receiver) -> None:
    kiln.set_faults(task_seconds=NEVER)
    external_id = "x" * 512
    task_id = signed_client.create(n=9, callback_url=receiver.url, external_task_id=external_id)
    webhooks(receiver, "processing")
    kiln.finish()
    task = assert_succeeded(kiln, signed_client, task_id, n=9)
    requests = [webhooks(receiver, status)[0] for status in ("submitted", "processing", "succeed")]
    assert len(receiver.received) == 3
    webhook = Webhook(signed_client.caller.webhook_secret)
    for request in requests:
        verified: Any = webhook.verify(request.body, request.headers)
        assert verified["task_id"] == task_id
        assert_of_shape(verified, "callback.json")
        assert len(request.body) < LIMIT
        assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 300
    assert len({request.headers["webhook-id"] for request in requests}) == 3
    bodies = [request.json() for request in requests]
    assert [len(body["task_result"]["images"]) for body in bodies] == [0, 0, 9]
    assert bodies[2] == callback_body(task)
    assert bodies[0]["updated_at"] <= bodies[1]["updated_at"] <= bodies[2]["updated_at"]

    attempts = wait_until(
        lambda: found if len(found := deliveries(signed_client, task_id)) == 3 else None, "every attempt is recorded"
    )
    assert sorted(attempt["task_status"] for attempt in attempts) == ["processing", "submitted", "succeed"]
    for attempt in attempts:
        assert (attempt["attempt"], attempt["outcome"], attempt["http_status"]) == (1, "delivered", 200)
        assert "next_attempt_at" not in attempt
    assert [attempt["attempted_at"] for attempt in attempts] == sorted(attempt["attempted_at"] for attempt in attempts)


def test_deliveries_are_visible_to_their_caller_only(
    kiln: Deployment, client: Client, new_client: Callable[[Deployment], Client], receiver: Receiver
) -> None:
    task_id = client.create(callback_url=receiver.url, external_task_id="mine")
    assert_succeeded(kiln, client, task_id)
    wait_until(lambda: of(deliveries(client, "mine"), "succeed"), "the attempt is recorded")
    stranger = new_client(kiln)
    for either_id in (task_id, "mine", "0" * 32):
        refused = stranger.send("GET", f"{TASKS_PATH}/{either_id}/deliveries")
        assert (refused.status_code, refused.json()["code"]) == (404, 1203)
    keyless = client.http.get(f"{TASKS_PATH}/{task_id}/deliveries")
    assert (keyless.status_code, keyless.json()["code"]) == (401, 1001)
    without = client.create()
    assert_succeeded(kiln, client, without)
    assert deliveries(client, without) == []


def test_retry_after_delays_the_next_attempt(kiln: Deployment, client: Client, receiver: Receiver) -> None:
    receiver.refusals["succeed"] = [503]
    receiver.refusal_headers["Retry-After"] = "9"
    task_id = client.create(callback_url=receiver.url)
    assert_succeeded(kiln, client, task_id)
    first, second = webhooks(receiver, "succeed", 2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    refused, taken = wait_until(
        lambda: found if len(found := of(deliveries(client, task_id), "succeed")) == 2 else None, "both are recorded"
    )
    assert (refused["attempt"], refused["outcome"], refused["http_status"]) == (1, "retry", 503)
    assert refused["next_attempt_at"] - refused["attempted_at"] == 9_000
    assert (taken["attempt"], taken["outcome"], taken["http_status"]) == (2, "delivered", 200)
    # Waits pass at a fifth of their length here: 5.5 s at the most without Retry-After would be 1.1 s.
    assert taken["attempted_at"] - refused["attempted_at"] > 1_500


def test_status_410_stops_deliveries(kiln: Deployment, client: Client, receiver: Receiver) -> None:
    receiver.refusals["succeed"] = [410]
    task_id = client.create(callback_url=receiver.url)
    assert_succeeded(kiln, client, task_id)
    (attempt,) = wait_until(lambda: of(deliveries(client, task_id), "succeed"), "the attempt is recorded")
    assert (attempt["outcome"], attempt["http_status"]) == ("given_up", 410)
    assert "next_attempt_at" not in attempt
    wait_until(lambda: kiln.notification_status(task_id, "succeed") == "SUCCEEDED", "nothing more is tried")
    assert len(webhooks(receiver, "succeed")) == 1


def test_redirect_is_not_followed(kiln: Deployment, client: Client, receiver: Receiver) -> None:
    receiver.refusal_headers["Location"] = receiver.url.replace("/hook", "/elsewhere")
    for status in ("submitted", "processing", "succeed"):
        receiver.refusals[status] = [307]
    task_id = client.create(callback_url=receiver.url)
    assert_succeeded(kiln, client, task_id)
    webhooks(receiver, "succeed", 2)
    assert {request.path for request in receiver.received} == {"/hook"}
    refused, taken = wait_until(
        lambda: found if len(found := of(deliveries(client, task_id), "succeed")) == 2 else None, "both are recorded"
    )
    assert (refused["outcome"], refused["http_status"]) == ("retry", 307)
    assert taken["outcome"] == "delivered"


def test_long_reason_is_delivered(kiln: Deployment, client: Client, receiver: Receiver) -> None:
    kiln.set_faults(fail_tasks=1.0)
    task_id = client.create(n=9, callback_url=receiver.url, external_task_id="猫" * 512)
    assert_failed(kiln, client, task_id, reason="Failure to pass")
    (request,) = webhooks(receiver, "failed")
    assert_of_shape(request.json(), "callback.json")
    assert len(request.body) < LIMIT


FORBIDDEN = {
    "http://caller.example/hook": "must be an https URL",
    "https://127.0.0.1/hook": "must not be a private",
    "https://2130706433/hook": "must not be a private",
    "https://[::ffff:169.254.169.254]/latest/meta-data": "must not be a private",
    "https://169.254.169.254/latest/meta-data": "must not be a private",
    "https://caller.example:22/": "port must be one of 443, 8443",
    "https://user:password@caller.example/": "must not hold a user name",
}


def test_forbidden_callback_url_is_refused(
    redeployed: Callable[..., Deployment], new_client: Callable[[Deployment], Client]
) -> None:
    """With the parameters that a deployed stack has by default."""
    kiln = redeployed(AllowHttpCallbacks="false", AllowPrivateCallbacks="false")
    client = new_client(kiln)
    for url, reason in FORBIDDEN.items():
        answer = client.post(job(callback_url=url))
        assert (answer.status_code, answer.json()["code"]) == (400, 1201), url
        assert answer.json()["message"].startswith(f"callback_url: {reason}")
    assert client.list() == []
    # A name is judged when it is called: this one leads inside, so that nothing is sent and nothing is tried again.
    task_id = client.create(callback_url="https://localhost/hook")
    client.wait_for(task_id, "succeed")
    (attempt,) = wait_until(lambda: of(deliveries(client, task_id), "succeed"), "the attempt is recorded")
    assert attempt["outcome"] == "given_up"
    assert attempt["reason"].startswith("callback_url: the host leads to a private, link-local")
