"""The end of a batch: each task counts once, the last one finishes it, and it is published until the bus has it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from kiln import aws, events
from kiln.contract import ListQuery
from kiln.contract.batch import RefusedJob
from kiln.tasks import items
from kiln.tasks.batch_views import found_batch_view
from kiln.tasks.batches import Batch, Batches, job_task_id
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin
from kiln.webhooks import delivery
from kiln.webhooks.delivery import DeliveryOutcome
from kiln.workflow import batch as batches
from kiln.workflow.batch import FINISHED, changed
from kiln.workflow.notify_batch import notify_of_batch
from tests.support.account import SECRETS
from tests.support.functions import invoke, sample
from tests.support.samples import add_task, stored_image

BATCH_ID = "5d1c7f0e9b3a4c6d8e2f1a0b3c4d5e6f"
WORKFLOW = "arn:aws:states:us-east-1:123456789012:stateMachine:kiln-notifications"
ADA = SECRETS["kiln-callers"]["callers"][0]  # type: ignore[index]

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def published(monkeypatch) -> list[tuple[str, dict[str, Any]]]:
    """The entries that the bus has taken."""
    taken: list[tuple[str, dict[str, Any]]] = []

    def publish(detail_type: str, detail: Any) -> None:
        taken.append((detail_type, detail.model_dump(mode="json")))

    monkeypatch.setattr(events, "publish", publish)
    return taken


def stored(pk: str) -> dict[str, Any]:
    """An item as the stream reports it."""
    item: dict[str, Any] = aws.dynamodb().get_item(TableName="kiln-table", Key={"pk": {"S": pk}})["Item"]
    return item


def add_batch(**changes: Any) -> None:
    Batches().add(
        Batch(**{"batch_id": BATCH_ID, "caller": "ada", "created_at": 1, "jobs": 3, **changes}), retention_days=30
    )
    for job in Batches().get(BATCH_ID).tasks:
        add_task(job_task_id(BATCH_ID, job), origin=Origin(batch=BATCH_ID, part=job, parts=3))


def end(job: int, *, times: int = 1) -> None:
    task = TaskStore().get(job_task_id(BATCH_ID, job))
    TaskStore().succeed(task, [stored_image()], "1") if job != 2 else TaskStore().fail(task, "why")
    for _ in range(times):
        changed(stored(f"TASK#{task.task_id}"))


def test_last_task_finishes_the_batch_however_often_the_others_are_reported():
    add_batch()
    end(1, times=3)
    end(2)
    assert not Batches().get(BATCH_ID).finished_at
    end(3, times=2)
    batch = Batches().get(BATCH_ID)
    assert batch.finished_at
    end(1)
    assert Batches().get(BATCH_ID) == batch


def test_refused_jobs_do_not_hold_the_batch_up():
    add_batch(refused=[RefusedJob(job=3, code=1201, message="why")])
    end(1)
    end(2)
    assert Batches().get(BATCH_ID).finished_at


def test_finished_batch_is_published_once(published):
    add_batch(callback_url="https://caller.test/hook")
    for job in (1, 2, 3):
        end(job)
    for _ in range(2):
        changed(stored(f"BATCH#{BATCH_ID}"))
    [(detail_type, detail)] = published
    assert detail_type == FINISHED == "Image Batch Finished"
    assert (detail["metadata"]["caller"], detail["metadata"]["has_receiver"]) == ("ada", True)
    data = detail["data"]
    assert (data["batch_id"], data["counts"]["succeed"], data["counts"]["failed"]) == (BATCH_ID, 2, 1)
    assert [each["job"] for each in data["tasks"]] == [1, 2, 3]


def test_batch_that_the_bus_refuses_comes_again(monkeypatch):
    add_batch(jobs=1)
    end(1)

    def refuses(*_: Any) -> None:
        raise events.BusRefused

    monkeypatch.setattr(events, "publish", refuses)
    event = sample("table-batch-task-ended")
    event["Records"][0]["dynamodb"] |= {"NewImage": stored(f"BATCH#{BATCH_ID}"), "SequenceNumber": "7"}
    with pytest.raises(Exception, match="records failed"):
        invoke("batch", event)
    assert not Batches().get(BATCH_ID).published_at


def test_function_counts_a_task_and_passes_over_an_unreadable_record(logged):
    add_batch(jobs=1)
    event = sample("table-batch-task-ended")
    assert invoke("batch", event) == {"batchItemFailures": []}
    assert Batches().get(BATCH_ID).finished_at
    event["Records"][0]["dynamodb"]["NewImage"]["created_at"] = {"S": "never"}
    assert invoke("batch", event) == {"batchItemFailures": []}
    assert "the batch cannot be followed" in logged.getvalue()


def test_batch_that_is_no_longer_stored_is_left_alone(published):
    item = {**items.batch_key(BATCH_ID), "batch_id": {"S": BATCH_ID}, "caller": {"S": "ada"}}
    assert changed({**item, "created_at": {"N": "1"}, "jobs": {"N": "1"}}) is None
    Batches().end_job(BATCH_ID, 1)
    assert published == []


def answering(monkeypatch: pytest.MonkeyPatch, status: int) -> list[httpx.Request]:
    received: list[httpx.Request] = []

    def receiver(request: httpx.Request) -> httpx.Response:
        received.append(request)
        return httpx.Response(status)

    monkeypatch.setattr(delivery, "_client", lambda: httpx.Client(transport=httpx.MockTransport(receiver)))
    return received


def test_receiver_of_a_batch_gets_one_signed_webhook(monkeypatch, executions):
    received = answering(monkeypatch, 204)
    add_batch(jobs=1, callback_url="https://caller.test/hook", external_batch_id="order-7")
    end(1)
    assert notify_of_batch(BATCH_ID, 0, WORKFLOW).outcome is DeliveryOutcome.DELIVERED
    [request] = received
    body = Webhook(ADA["webhook_secret"]).verify(request.content, dict(request.headers))
    assert (body["batch_id"], body["batch_info"]) == (BATCH_ID, {"external_batch_id": "order-7"})
    assert request.headers["webhook-id"] == batches.event_id(BATCH_ID)
    assert executions.started == {}


def test_refused_webhook_of_a_batch_is_repeated_by_the_workflow(monkeypatch, executions):
    answering(monkeypatch, 500)
    add_batch(jobs=1, callback_url="https://caller.test/hook")
    detail = {"data": {"batch_id": BATCH_ID}}
    made = invoke("notify", {"detail": detail, "notification_workflow": WORKFLOW})
    [(name, execution_input)] = executions.started.items()
    assert name == f"{BATCH_ID}-finished"
    assert execution_input == {
        "batch_id": BATCH_ID,
        "notify": {"attempt": 1, "outcome": "retry", "wait": made["wait"]},
    }
    again = invoke("notify", json.loads(json.dumps(execution_input)))
    assert (again["attempt"], again["outcome"]) == (2, "retry")


def test_answer_lists_every_delivery_of_the_webhook(monkeypatch):
    add_batch(jobs=1, callback_url="https://caller.test/hook")
    for status in (500, 204):
        answering(monkeypatch, status)
        notify_of_batch(BATCH_ID, 0 if status == 500 else 1)
    found = found_batch_view(Batches().get(BATCH_ID), ListQuery(), "https://kiln.test")
    assert [(each.attempt, each.outcome, each.http_status) for each in found.deliveries] == [
        (1, "retry", 500),
        (2, "delivered", 204),
    ]
    assert found.deliveries[0].next_attempt_at
