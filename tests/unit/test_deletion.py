"""Delete: a task that has ended becomes a tombstone, and nothing of its images, inputs and prompt is left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiln import aws, deletion, events
from kiln.contract import ListQuery, TaskStatus
from kiln.deletion import delete
from kiln.errors import DeleteRefused, ResourceNotFound, TaskNotFound
from kiln.images.stored import PreviewFile, StoredInput
from kiln.links import result_link
from kiln.s3 import NotDeleted, delete_files
from kiln.tasks.deletions import Deletions
from kiln.tasks.downloads import download_address
from kiln.tasks.listing import TaskList
from kiln.tasks.store import TaskStore
from kiln.tasks.task import DeliveryRecord, Origin, Task
from kiln.workflow.notify import notify
from tests.support.samples import admit_task, stored_image

RESULT = ("tasks/task-1/0.png", "tasks/task-1/0-preview.webp", "tasks/task-1/0-watermark.png")
INPUT = "task-1/0123456789abcdef/subject-0.png"


@pytest.fixture
def published(monkeypatch) -> list[dict[str, Any]]:
    """The events that were published."""
    kept: list[dict[str, Any]] = []
    monkeypatch.setattr(
        events, "publish", lambda name, detail: kept.append({"name": name, **detail.model_dump(mode="json")})
    )
    return kept


@pytest.fixture(autouse=True)
def _cloud(cloud, published) -> None:
    """Nothing leaves the process."""


def finished(task_id: str = "task-1", **changes) -> Task:
    """A task that has succeeded, with its files in S3."""
    stored_input = StoredInput(field="subject_image_list[0].subject_image", bucket="kiln-inputs", key=INPUT)
    task = admit_task(
        task_id,
        **{
            "prompt": "A cat",
            "inputs": [stored_input],
            "callback_url": "https://ada.test/hook",
            "external_task_id": f"mine-{task_id}",
            **changes,
        },
    )
    preview = PreviewFile(key=RESULT[1], size=1, content_type="image/webp")
    ended = TaskStore().succeed(task, [stored_image(preview=preview)], "16", provider_fields='{"seed": 7}')
    assert ended
    TaskStore().record_delivery(
        task_id, DeliveryRecord(task_status=TaskStatus.SUCCEED, attempt=1, attempted_at=1, outcome="delivered")
    )
    for key in RESULT:
        put("kiln-outbox", key)
    put("kiln-inputs", INPUT)
    return ended


def put(bucket: str, key: str, body: bytes = b"x") -> None:
    aws.s3().put_object(Bucket=bucket, Key=key, Body=body)


def keys(bucket: str) -> set[str]:
    return {each["Key"] for each in aws.s3().list_objects_v2(Bucket=bucket).get("Contents", [])}


@pytest.mark.parametrize("either_id", ["task-1", "mine-task-1"])
def test_deleted_task_keeps_ids_times_units_and_status_alone(either_id, published):
    ended = finished()
    deleted = delete("ada", either_id)
    kept = TaskStore().get("task-1")
    assert (kept.task_status, kept.final_unit_deduction) == (TaskStatus.SUCCEED, "16")
    assert (kept.created_at, kept.updated_at, kept.external_task_id) == (
        ended.created_at,
        ended.updated_at,
        "mine-task-1",
    )
    assert kept.deleted_at == deleted.deleted_at > 0
    for name in ("prompt", "inputs", "result", "collected", "deliveries", "callback_url", "provider_fields"):
        assert not getattr(kept, name), name
    assert not kept.is_deleting
    [event] = published
    assert event["name"] == "Image Task Deleted"
    assert event["metadata"]["has_receiver"] is False
    assert event["data"]["task_id"] == "task-1"
    assert "A cat" not in json.dumps(event)


def test_delete_removes_the_files_of_this_task_alone():
    finished()
    put("kiln-outbox", "tasks/task-10/0.png")
    put("kiln-inputs", "task-10/subject-0.png")
    delete("ada", "task-1")
    assert keys("kiln-outbox") == {"tasks/task-10/0.png"}
    assert keys("kiln-inputs") == {"task-10/subject-0.png"}


def test_every_version_of_a_file_is_deleted(cloud):
    for content in (b"1", b"2"):
        put("kiln-inbox", "a/cat.png", content)
    aws.s3().delete_object(Bucket="kiln-inbox", Key="a/cat.png")
    put("kiln-inbox", "a/b/dog.png")
    delete_files("kiln-inbox", "a/")
    left = aws.s3().list_object_versions(Bucket="kiln-inbox")
    assert [each["Key"] for each in left["Versions"]] == ["a/b/dog.png"]
    assert "DeleteMarkers" not in left
    delete_files("kiln-inbox", "a/", below=True)
    assert "Versions" not in aws.s3().list_object_versions(Bucket="kiln-inbox")


def test_file_that_s3_does_not_delete_is_an_error(cloud, monkeypatch):
    put("kiln-outbox", "a/cat.png")
    answer = {"Errors": [{"Key": "a/cat.png", "Code": "InternalError"}]}
    monkeypatch.setattr(aws.s3(), "delete_objects", lambda **_: answer)
    with pytest.raises(NotDeleted, match="1 files: InternalError"):
        delete_files("kiln-outbox", "a/")


def test_links_lists_and_queries_end_with_the_deletion():
    finished()
    delete("ada", "task-1")
    with pytest.raises(TaskNotFound):
        TaskStore().find("ada", "task-1")
    with pytest.raises(TaskNotFound):
        TaskStore().find("ada", "mine-task-1")
    token, file = result_link("", "task-1", 0, "image/png").split("/")[-2:]
    with pytest.raises(ResourceNotFound):
        download_address("task-1", token, file, method="GET")
    for asked in (ListQuery(), ListQuery(task_status=TaskStatus.SUCCEED)):
        assert TaskList().page("ada", asked) == []


def test_pages_are_full_after_deletions():
    for number in range(6):
        finished(f"task-{number}")
    for number in (5, 4, 2):
        delete("ada", f"task-{number}")
    pages = [TaskList().page("ada", ListQuery(pageNum=number, pageSize=2)) for number in (1, 2, 3)]
    assert [[task.task_id for task in page] for page in pages] == [["task-3", "task-1"], ["task-0"], []]


def test_running_task_is_not_deleted(published):
    admit_task()
    with pytest.raises(DeleteRefused, match="it is submitted") as refused:
        delete("ada", "task-1")
    assert refused.value.http_status == 409
    assert TaskStore().get("task-1").deleted_at == 0
    assert published == []


def test_task_of_another_caller_is_not_found():
    finished()
    with pytest.raises(TaskNotFound):
        delete("bob", "task-1")
    assert keys("kiln-outbox") == set(RESULT)


def test_repeated_delete_completes_a_deletion_and_then_finds_nothing(monkeypatch, published):
    finished()
    with monkeypatch.context() as patch:
        patch.setattr(deletion.s3, "delete_files", lambda *_, **__: (_ for _ in ()).throw(NotDeleted("S3 is away")))
        with pytest.raises(NotDeleted):
            delete("ada", "task-1")
    assert (TaskStore().get("task-1").result, published) == ([], [])
    first = delete("ada", "task-1")
    assert (keys("kiln-outbox"), keys("kiln-inputs"), len(published)) == (set(), set(), 1)
    assert first.deleted_at == TaskStore().get("task-1").deleted_at
    with pytest.raises(TaskNotFound):
        delete("ada", "task-1")


def test_two_deletes_at_once_complete_the_same_tombstone(published):
    finished()

    class Overtaken(Deletions):
        def find_with_deleted(self, caller, either_id):
            found = super().find_with_deleted(caller, either_id)
            super().begin(found)
            return found

    assert delete("ada", "task-1", tasks=Overtaken()).deleted_at == TaskStore().get("task-1").deleted_at
    assert len(published) == 1


def test_late_notification_of_a_deleted_task_is_dropped():
    finished(origin=Origin(channel="drop", folder="cats"))
    delete("ada", "task-1")
    assert notify("task-1", TaskStatus.SUCCEED, 3).outcome == "delivered"
    assert keys("kiln-outbox").isdisjoint({"cats/result.json", "cats/task-1/result.json"})


@pytest.mark.parametrize(("request_id", "left"), [("task-1", set()), ("task-2", {"cats/result.json"})])
def test_answer_in_the_folder_goes_if_it_is_this_tasks(request_id, left):
    finished(origin=Origin(channel="drop", folder="cats"))
    for key in ("cats/task-1/0.png", "cats/task-1/result.json"):
        put("kiln-outbox", key)
    put("kiln-outbox", "cats/result.json", json.dumps({"request_id": request_id}).encode())
    delete("ada", "task-1")
    assert keys("kiln-outbox") - set(RESULT) == left
