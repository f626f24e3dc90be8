"""Webhooks: every change is sent to a caller's ``callback_url``, signed, until the receiver accepts it."""

from __future__ import annotations

from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from local.receiver import Receiver
from tests.integration.client import Client
from tests.integration.driver import Deployment
from tests.integration.promise import assert_failed, assert_succeeded
from tests.integration.steps import callback_body, webhooks


def test_webhook_has_exactly_the_contracts_body(kiln: Deployment, client: Client, receiver: Receiver) -> None:
    task_id = client.create(n=2, callback_url=receiver.url, external_task_id="notified")
    task = assert_succeeded(kiln, client, task_id, n=2)
    (ended,) = webhooks(receiver, "succeed")
    assert ended.json() == callback_body(task)
    assert ended.headers["content-type"] == "application/json"
    (accepted,) = webhooks(receiver, "submitted")
    at_first = {
        "task_status": "submitted",
        "updated_at": task["created_at"],
        "task_result": {"images": []},
    }
    expected = callback_body(task) | at_first
    # The charge is absent until the provider has made one.
    del expected["final_unit_deduction"]
    assert accepted.json() == expected
    # The one of "processing" may come while they are counted.
    ids = [request.headers["webhook-id"] for request in list(receiver.received)]
    assert len(ids) == len(set(ids)) <= 3
    # This caller has no secret to sign with.
    assert "webhook-signature" not in ended.headers


def test_failure_sends_a_webhook(kiln: Deployment, client: Client, receiver: Receiver) -> None:
    kiln.set_faults(fail_tasks=1.0)
    task_id = client.create(callback_url=receiver.url)
    task = assert_failed(kiln, client, task_id, reason="Failure to pass the risk control system")
    (request,) = webhooks(receiver, "failed")
    assert request.json() == callback_body(task)


def test_signature_verifies(kiln: Deployment, signed_client: Client, receiver: Receiver) -> None:
    task_id = signed_client.create(callback_url=receiver.url)
    assert_succeeded(kiln, signed_client, task_id)
    webhooks(receiver, "succeed")
    webhook = Webhook(signed_client.caller.webhook_secret)
    for request in receiver.received:
        verified: Any = webhook.verify(request.body, request.headers)
        assert verified["task_id"] == task_id
        with pytest.raises(WebhookVerificationError):
            webhook.verify(request.body.replace(task_id.encode(), b"0" * 32), request.headers)


def test_refused_webhook_is_sent_again_until_accepted(kiln: Deployment, client: Client, receiver: Receiver) -> None:
    receiver.refusals["succeed"] = [500]
    task_id = client.create(callback_url=receiver.url)
    task = assert_succeeded(kiln, client, task_id)
    first, second = webhooks(receiver, "succeed", 2)
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert second.json() == callback_body(task)


@pytest.mark.parametrize("refusal", [302, 404, 503])
def test_refusing_receiver_delays_no_task(kiln: Deployment, client: Client, receiver: Receiver, refusal: int) -> None:
    receiver.refusals["submitted"] = [refusal] * 8
    task_id = client.create(callback_url=receiver.url)
    assert_succeeded(kiln, client, task_id)
    webhooks(receiver, "submitted")
    webhooks(receiver, "succeed")


def test_unreachable_receiver_delays_no_task(kiln: Deployment, client: Client) -> None:
    assert_succeeded(kiln, client, client.create(callback_url="http://127.0.0.1:9/refused"))
