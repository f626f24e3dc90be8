"""The bus: one event per change of a task's status, in the published shape; and tasks that are asked for by event."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from local.receiver import Receiver
from tests.integration.client import NEVER, Client, JsonObject, job, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_failed, assert_succeeded
from tests.integration.steps import assert_of_shape, cancel, fill_the_provider

SUCCESS = ["Image Task Submitted", "Image Task Processing", "Image Task Succeeded"]


def assert_events(kiln: Deployment, task: JsonObject, *, caller: str, channel: str) -> dict[str, JsonObject]:
    """Every event of a task that has ended is in order; they are given by their kind."""
    events = kiln.events(task["task_id"])
    for event in events:
        assert event["source"] == "kiln"
        detail = event["detail"]
        assert_of_shape(detail, "image-task-event.json")
        metadata, data = detail["metadata"], detail["data"]
        assert (metadata["version"], metadata["caller"], metadata["channel"]) == ("1", caller, channel)
        assert data["task_info"] == task["task_info"]
        assert data["created_at"] == task["created_at"]
        assert metadata["occurred_at"] == data["updated_at"]
    by_kind = {event["detail-type"]: event["detail"] for event in events}
    assert len(by_kind) == len(events), "one event per change"
    moments = [by_kind[kind]["data"]["updated_at"] for kind in (*SUCCESS, "Image Task Failed") if kind in by_kind]
    assert moments == sorted(moments)
    assert len({detail["metadata"]["event_id"] for detail in by_kind.values()}) == len(events)
    return by_kind


def test_each_change_publishes_one_event(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    task_id = client.create(n=2, external_task_id="published")
    client.wait_for(task_id, "processing")
    kiln.finish()
    task = assert_succeeded(kiln, client, task_id, n=2)
    published = assert_events(kiln, task, caller=client.caller.name, channel="api")
    assert set(published) == set(SUCCESS)
    statuses = [published[kind]["data"]["task_status"] for kind in SUCCESS]
    assert statuses == ["submitted", "processing", "succeed"]
    for kind in SUCCESS[:2]:
        assert published[kind]["data"]["task_result"]["images"] == []
    images = published["Image Task Succeeded"]["data"]["task_result"]["images"]
    kept = kiln.item(task["task_id"])["result"]
    for image, record in zip(images, kept, strict=True):
        assert image["bucket"] == kiln.here["outbox_bucket"]
        described = {name: value for name, value in record.items() if name not in {"watermarked", "preview"}}
        assert {name: image[name] for name in described} == described
        assert image["preview_key"] == record["preview"]["key"]


def test_failure_and_cancellation_are_published(kiln: Deployment, client: Client) -> None:
    blocking = fill_the_provider(kiln, client)
    waiting = client.create()
    wait_until(lambda: kiln.is_parked(waiting), "it waits in the queue")
    assert cancel(client, waiting).status_code == 200
    cancelled = assert_failed(kiln, client, waiting, reason="Cancelled by the caller", generations=0)
    published = assert_events(kiln, cancelled, caller=client.caller.name, channel="api")
    assert set(published) == {"Image Task Submitted", "Image Task Failed"}
    assert published["Image Task Failed"]["data"]["task_status_msg"] == cancelled["task_status_msg"]
    kiln.finish()
    assert_succeeded(kiln, client, blocking, n=9)
    kiln.set_faults(fail_tasks=1.0)
    failed = assert_failed(kiln, client, client.create(), reason="Failure to pass the risk control system")
    published = assert_events(kiln, failed, caller=client.caller.name, channel="api")
    assert published["Image Task Failed"]["data"]["task_status_msg"] == failed["task_status_msg"]


def test_repeated_step_publishes_the_same_event_id(kiln: Deployment, client: Client, receiver: Receiver) -> None:
    task = assert_succeeded(kiln, client, client.create(callback_url=receiver.url))
    published = assert_events(kiln, task, caller=client.caller.name, channel="api")
    # The workflow's last step again, as after an answer that was lost.
    again = kiln.invoke("ReleaseFunction", {"task_id": task["task_id"], "fault": ""})
    assert again["event"] == {
        "detail_type": "Image Task Succeeded",
        "detail": published["Image Task Succeeded"],
    }
    # The table's stream again: the workflow has been started once and for all.
    stored = {name: value for name, value in kiln.item(task["task_id"]).items() if name != "result"}
    item = {name: TypeSerializer().serialize(value) for name, value in stored.items()}
    record = {"eventID": "1", "eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": item}}
    assert kiln.invoke("StartFunction", {"Records": [record]}) == {"batchItemFailures": []}
    assert_succeeded(kiln, client, task["task_id"])
    assert len(kiln.events(task["task_id"])) == len(published)
    # The caller's webhook of a change has the id of the bus's event of it.

    def webhook() -> Any:
        return [each for each in list(receiver.received) if each.json()["task_status"] == "succeed"]

    (ended,) = wait_until(webhook, "the caller is notified")
    assert ended.headers["webhook-id"] == published["Image Task Succeeded"]["metadata"]["event_id"]


def test_requesting_event_makes_a_task(kiln: Deployment, requesting_client: Client) -> None:
    known = len(requesting_client.list(pageSize=500))
    body = job(n=2, external_task_id="from-the-bus")
    assert_of_shape({"data": body}, "image-task-requested.json")
    event_id = kiln.ask_by_event(body)
    (task,) = wait_until(lambda: requesting_client.list(pageSize=500)[: -known or None], "the task is there")
    task = assert_succeeded(kiln, requesting_client, task["task_id"], n=2)
    assert task["task_info"] == {"external_task_id": "from-the-bus"}
    assert_events(kiln, task, caller="kiln.requests", channel="event")

    # The same event delivered again is the same task.
    requested = next(event for event in kiln.events_of_type("Image Task Requested") if event["id"] == event_id)
    for _ in range(2):
        kiln.send_to_inbox_queue(requested)
    kiln.settle()
    assert len(requesting_client.list(pageSize=500)) == known + 1
    assert kiln.generations(task["task_id"]) == 1
    assert requesting_client.get(task["task_id"]) == task
    assert [event for event in kiln.events_of_type("Image Task Refused") if of(event) == event_id] == []


def test_event_of_another_source_makes_no_task(kiln: Deployment, requesting_client: Client) -> None:
    before = len(requesting_client.list(pageSize=500))
    stranger = kiln.ask_by_event(job(prompt="From a stranger"), source="someone.else")
    impostor = kiln.ask_by_event(job(prompt="From an impostor"), source="kiln")
    kiln.ask_by_event(job(prompt="From a friend"))
    tasks = wait_until(lambda: requesting_client.list(pageSize=500)[: -before or None], "the friend's task is there")
    kiln.settle()
    (task,) = tasks
    assert kiln.item(task["task_id"])["prompt"] == "From a friend"
    assert_succeeded(kiln, requesting_client, task["task_id"])
    assert len(requesting_client.list(pageSize=500)) == before + 1
    assert not {of(event) for event in kiln.events_of_type("Image Task Refused")} & {stranger, impostor}


def of(refusal: JsonObject) -> str:
    """The event that a refusal is about."""
    request_event_id: str = refusal["detail"]["metadata"]["request_event_id"]
    return request_event_id


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (job(n=10), 1201, "n: must be at most 9, got 10"),
        ({}, 1201, "subject_image_list: is required, got nothing"),
        ([], 1200, "detail.data: must be a JSON object, got a list of 0"),
        (None, 1200, "detail.data: must be a JSON object, got null"),
    ],
    ids=["limit", "missing", "list", "null"],
)
def test_wrong_request_publishes_a_refusal(
    kiln: Deployment, requesting_client: Client, data: object, code: int, message: str
) -> None:
    before = len(requesting_client.list(pageSize=500))
    event_id = kiln.ask_by_event(data)

    def refusals() -> list[JsonObject]:
        return [event for event in kiln.events_of_type("Image Task Refused") if of(event) == event_id]

    (refused,) = wait_until(refusals, "the request is refused")
    assert refused["source"] == "kiln"
    assert_of_shape(refused["detail"], "image-task-refused.json")
    assert refused["detail"]["metadata"]["caller"] == "kiln.requests"
    published = refused["detail"]["data"]
    assert (published["code"], published["message"], published["request_id"]) == (code, message, event_id)
    kiln.settle()
    assert len(requesting_client.list(pageSize=500)) == before
