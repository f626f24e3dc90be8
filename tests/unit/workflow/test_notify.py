"""Notify: ``result.json`` for a drop, one attempt at the ``callback_url``, and a record of it for the caller."""

from __future__ import annotations

import json

import httpx
import pytest
from standardwebhooks import Webhook

from kiln import events
from kiln.contract import TaskStatus
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin
from kiln.webhooks import delivery
from kiln.webhooks.delivery import DeliveryOutcome
from kiln.workflow.notify import notify
from tests.support.account import SECRETS, put_secret
from tests.support.samples import add_task, stored_image

ADA = SECRETS["kiln-callers"]["callers"][0]  # type: ignore[index]


@pytest.fixture
def received(cloud, monkeypatch) -> list[httpx.Request]:
    """What the receiver was sent; it answers 200."""
    requests: list[httpx.Request] = []

    def receiver(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200)

    monkeypatch.setattr(delivery, "_client", lambda: httpx.Client(transport=httpx.MockTransport(receiver)))
    return requests


def ended(**changes) -> None:
    task = add_task(**changes)
    TaskStore().succeed(task, [stored_image()], "16")


def result_json(cloud, folder: str):
    return json.loads(cloud.s3.get_object(Bucket="kiln-outbox", Key=f"{folder}/result.json")["Body"].read())


def test_end_is_sent_signed_with_the_callers_secret(received):
    ended(callback_url="https://caller.test/hook", external_task_id="mine")
    told = notify("task-1", TaskStatus.SUCCEED, 0)
    assert (told.outcome, told.attempt) == (DeliveryOutcome.DELIVERED, 1)
    [request] = received
    body = Webhook(ADA["webhook_secret"]).verify(request.content, dict(request.headers))
    assert body["task_status"] == "succeed"
    assert body["task_info"] == {"external_task_id": "mine"}
    assert body["final_unit_deduction"] == "16"
    assert body["task_result"]["images"][0]["url"].startswith("https://kiln.test/v1/results/task-1/")
    assert request.headers["webhook-id"] == events.event_id(TaskStore().get("task-1"), TaskStatus.SUCCEED)


def test_id_is_the_same_for_every_attempt_of_a_change(received):
    ended(callback_url="https://caller.test/hook")
    for status, attempt in ((TaskStatus.SUCCEED, 0), (TaskStatus.SUCCEED, 1), (TaskStatus.SUBMITTED, 0)):
        notify("task-1", status, attempt)
    ids = [request.headers["webhook-id"] for request in received]
    assert ids[0] == ids[1] != ids[2]


def test_earlier_status_is_sent_as_it_was(received):
    ended(callback_url="https://caller.test/hook")
    notify("task-1", TaskStatus.PROCESSING, 0)
    body = json.loads(received[0].content)
    assert body["task_status"] == "processing"
    assert body["task_result"] == {"images": []}
    assert "final_unit_deduction" not in body


@pytest.mark.parametrize("callers", [[], [{"name": "ada"}]])
def test_caller_without_a_secret_gets_an_unsigned_webhook(received, callers):
    put_secret("kiln-callers", {"callers": callers})
    ended(callback_url="https://caller.test/hook")
    assert notify("task-1", TaskStatus.SUCCEED, 0).outcome is DeliveryOutcome.DELIVERED
    assert "webhook-signature" not in received[0].headers
    assert "webhook-id" in received[0].headers


def test_every_attempt_is_recorded(cloud, monkeypatch):
    answers = [500, 200]
    monkeypatch.setattr(
        delivery,
        "_client",
        lambda: httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(answers.pop(0)))),
    )
    ended(callback_url="https://caller.test/hook")
    first = notify("task-1", TaskStatus.SUCCEED, 0)
    assert (first.outcome, first.attempt, first.reason) == (DeliveryOutcome.RETRY, 1, "HTTP 500")
    assert notify("task-1", TaskStatus.SUCCEED, first.attempt).outcome is DeliveryOutcome.DELIVERED
    failed, done = TaskStore().get("task-1").deliveries
    assert (failed.attempt, failed.outcome, failed.http_status, failed.reason) == (1, "retry", 500, "HTTP 500")
    assert failed.next_attempt_at == failed.attempted_at + first.wait * 1_000
    assert (done.attempt, done.outcome, done.http_status) == (2, "delivered", 200)
    assert done.next_attempt_at is None


def test_end_of_a_drop_writes_its_result_file(cloud, received):
    ended(origin=Origin(channel="drop", folder="summer/cat"))
    assert notify("task-1", TaskStatus.SUCCEED, 0).outcome is DeliveryOutcome.DELIVERED
    assert result_json(cloud, "summer/cat")["data"]["task_status"] == "succeed"
    assert received == []


def test_earlier_status_of_a_drop_writes_no_result_file(cloud, received):
    add_task(origin=Origin(channel="drop", folder="f"), callback_url="https://caller.test/hook")
    notify("task-1", TaskStatus.SUBMITTED, 0)
    assert "Contents" not in cloud.s3.list_objects_v2(Bucket="kiln-outbox")
    assert len(received) == 1


def test_task_without_receiver_is_not_notified(received):
    ended()
    assert notify("task-1", TaskStatus.SUCCEED, 0).outcome is DeliveryOutcome.DELIVERED
    assert received == []
    assert TaskStore().get("task-1").deliveries == []
