"""The events: names, an id that is the same whenever the same event is sent, and where each image is."""

from __future__ import annotations

import json

import pytest

from kiln import events
from kiln.contract import TaskStatus
from kiln.tasks.task import Origin
from tests.support.samples import SHA256, make_task, stored_image

pytestmark = pytest.mark.usefixtures("cloud")

DONE = {"task_status": "succeed", "updated_at": 1_722_769_600_000, "result": [stored_image(0)]}


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("submitted", "Image Task Submitted"),
        ("processing", "Image Task Processing"),
        ("succeed", "Image Task Succeeded"),
        ("failed", "Image Task Failed"),
    ],
)
def test_every_status_has_an_event(status, name):
    announced = events.status_event(make_task(task_status=status), "https://kiln.test")
    assert announced.detail_type == name
    assert announced.detail.data.task_status == status


def test_detail_is_an_envelope_of_metadata_and_data():
    task = make_task(external_task_id="mine", origin=Origin(channel="drop", folder="summer"), **DONE)
    detail = json.loads(events.status_event(task, "https://kiln.test").detail.model_dump_json(exclude_none=True))
    event_id = detail["metadata"].pop("event_id")
    assert len(event_id) == 36
    assert detail["metadata"] == {
        "version": "1",
        "occurred_at": 1_722_769_600_000,
        "caller": "ada",
        "channel": "drop",
        "has_receiver": True,
    }
    [image] = detail["data"].pop("task_result")["images"]
    assert image.pop("url").startswith("https://kiln.test/v1/results/task-1/")
    assert image == {
        "index": 0,
        "bucket": "kiln-outbox",
        "key": "tasks/task-1/0.png",
        "size": 1_000,
        "sha256": SHA256,
        "width": 1_920,
        "height": 1_080,
        "content_type": "image/png",
    }
    assert detail["data"] == {
        "task_id": "task-1",
        "task_info": {"external_task_id": "mine"},
        "task_status": "succeed",
        "task_status_msg": "",
        "watermark_info": {"enabled": False},
        "created_at": 1_722_769_557_708,
        "updated_at": 1_722_769_600_000,
    }


def test_repeated_event_has_the_same_id_and_another_event_another():
    def event_id(status: str, task_id: str = "task-1", url: str = "https://kiln.test") -> str:
        return events.status_event(make_task(task_id, task_status=status), url).detail.metadata.event_id

    assert event_id("failed") == event_id("failed", url="https://moved.test")
    assert len({event_id(status) for status in TaskStatus}) == 4
    assert event_id("failed") != event_id("failed", "task-2")


def test_same_content_after_its_task_expired_has_another_event_id():
    first, again = (make_task(run_id=run_id, created_at=at) for run_id, at in (("task-1_1", 1), ("task-1_2", 2)))
    assert events.event_id(first, TaskStatus.FAILED) != events.event_id(again, TaskStatus.FAILED)
    # A task that the previous release accepted keeps the ids of its events.
    assert events.event_id(make_task(), TaskStatus.FAILED) == "707abe16-926a-5526-ac66-a788a9a46776"


def test_event_of_an_earlier_status_keeps_that_status():
    task = make_task(**DONE)
    late = events.status_event(task, "https://kiln.test", TaskStatus.SUBMITTED)
    assert late.detail_type == "Image Task Submitted"
    assert late.detail.data.task_status is TaskStatus.SUBMITTED
    assert late.detail.metadata.occurred_at == task.created_at
    assert late.detail.metadata.event_id == events.status_event(make_task(), "").detail.metadata.event_id


def test_first_event_alone_names_what_has_no_effect():
    task = make_task(ignored=["promt", "clip.mp4"], **DONE)
    first = events.status_event(task, "", TaskStatus.SUBMITTED).model_dump(mode="json")["detail"]
    assert first["metadata"]["ignored"] == ["promt", "clip.mp4"]
    for event in (events.status_event(task, "https://kiln.test"), events.status_event(make_task(), "")):
        assert "ignored" not in event.model_dump(mode="json")["detail"]["metadata"]


def test_event_has_no_private_fields():
    task = make_task(prompt="private", callback_url="https://caller.test/?token=1", provider_task_id="p-1", **DONE)
    text = events.status_event(task, "https://kiln.test").model_dump_json()
    for private in ("private", "caller.test", "images.test", "p-1"):
        assert private not in text


def test_task_without_images_needs_no_bucket(monkeypatch):
    monkeypatch.delenv("OUTBOX_BUCKET")
    assert events.status_event(make_task(), "").detail.data.task_result.images == []


def test_schema_names_every_field_of_an_event():
    schema = events.TaskEvent.model_json_schema()
    assert set(schema["required"]) == {"metadata", "data"}
    assert {"event_id", "occurred_at", "caller", "channel"} <= set(schema["$defs"]["EventMetadata"]["required"])
    assert {"index", "url", "bucket", "key", "sha256"} <= set(schema["$defs"]["DeliveredImage"]["required"])
    sample = events.status_event(make_task(**DONE), "https://kiln.test").detail
    assert events.TaskEvent.model_validate_json(sample.model_dump_json()) == sample
