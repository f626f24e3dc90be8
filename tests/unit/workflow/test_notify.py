"""Notify: ``result.json`` for a drop, one attempt at the ``callback_url``, and a record of it for the caller."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from kiln import events
from kiln.contract import TaskStatus
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin
from kiln.webhooks import delivery
from kiln.webhooks.delivery import DeliveryOutcome
from kiln.workflow.notify import notify, notify_of_event
from tests.support.account import SECRETS, put_secret
from tests.support.samples import add_task, make_task, stored_image

ADA = SECRETS["kiln-callers"]["callers"][0]  # type: ignore[index]


@pytest.fixture
def received(cloud, monkeypatch) -> list[httpx.Request]:
    """The requests that the receiver got; it answers 200."""
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
    first = notify("task-1", TaskStatus.SUCCEED, 0)
    assert (first.outcome, first.attempt) == (DeliveryOutcome.DELIVERED, 1)
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


WORKFLOW = "arn:aws:states:us-east-1:123456789012:stateMachine:kiln-notifications"


def event_of(task_id: str = "task-1") -> dict[str, Any]:
    """The ``detail`` of the event of its present status."""
    event: dict[str, Any] = events.status_event(TaskStore().get(task_id), "https://kiln.test").detail.model_dump()
    return event


def test_first_attempt_that_succeeds_needs_no_workflow(received, executions):
    ended(callback_url="https://caller.test/hook")
    assert notify_of_event(event_of(), WORKFLOW).outcome is DeliveryOutcome.DELIVERED
    assert len(received) == 1
    assert not executions.started


def test_first_attempt_that_is_refused_is_repeated_by_the_workflow(cloud, executions, monkeypatch):
    receiver = httpx.MockTransport(lambda _: httpx.Response(503))
    monkeypatch.setattr(delivery, "_client", lambda: httpx.Client(transport=receiver))
    ended(callback_url="https://caller.test/hook", run_id="task-1_7")
    made = notify_of_event(event_of(), WORKFLOW)
    assert executions.started == {
        "task-1_7-succeed": {
            "task_id": "task-1",
            "task_status": "succeed",
            "notify": {"attempt": 1, "outcome": "retry", "wait": made.wait},
        }
    }
    # The event may arrive twice.
    notify_of_event(event_of(), WORKFLOW)
    assert len(executions) == 1


def test_fault_of_the_first_attempt_leaves_it_to_the_workflow(cloud, executions, monkeypatch):
    def broken(*_: Any) -> None:
        raise ConnectionError("S3 is away")

    monkeypatch.setattr("kiln.drops.result_file.write_result", broken)
    ended(origin=Origin(channel="drop", folder="f"))
    assert notify_of_event(event_of(), WORKFLOW).reason == "a fault: ConnectionError"
    (started,) = executions.started.values()
    assert started["notify"] == {"attempt": 0, "outcome": "first", "wait": 0}


@pytest.mark.parametrize(
    ("channel", "callback_url", "status", "has_receiver"),
    [
        ("api", "", "succeed", False),
        ("api", "https://caller.test/hook", "processing", True),
        ("drop", "", "submitted", False),
        ("drop", "", "failed", True),
        ("drop", "https://caller.test/hook", "submitted", True),
    ],
)
def test_event_says_whether_there_is_a_receiver(channel, callback_url, status, has_receiver):
    task = make_task(origin=Origin(channel=channel, folder="f"), callback_url=callback_url, task_status=status)
    assert events.status_event(task, "https://kiln.test").detail.metadata.has_receiver is has_receiver


def test_status_that_a_task_leaves_out_is_not_notified_of(received):
    ended(callback_url="https://caller.test/hook", callback_statuses=["succeed", "failed"])
    assert notify("task-1", TaskStatus.PROCESSING, 0).outcome is DeliveryOutcome.DELIVERED
    assert received == []
    notify("task-1", TaskStatus.SUCCEED, 0)
    assert len(received) == 1


def test_event_of_a_status_that_is_left_out_has_no_receiver(cloud):
    task = make_task(callback_url="https://caller.test/hook", callback_statuses=["failed"])
    assert not events.status_event(task, "").detail.metadata.has_receiver
    failed = task.model_copy(update={"task_status": TaskStatus.FAILED})
    assert events.status_event(failed, "").detail.metadata.has_receiver
