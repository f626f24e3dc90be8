"""Trying again: a new task with the same request, of what has ended and is the caller's own."""

from __future__ import annotations

import pytest

from kiln.auth.callers import Caller
from kiln.contract import TaskStatus
from kiln.errors import IdempotencyKeyReused, RetryRefused, TaskNotFound, TooManyRequests
from kiln.intake.retry import retry
from kiln.tasks.store import TaskStore
from kiln.tasks.task import KeptInput, Origin
from tests.unit.specimens import add_task

ADA = Caller(name="ada", access_key="a", secret_key="s" * 32)
BOB = Caller(name="bob", access_key="b", secret_key="s" * 32)
SUBJECT = "subject_image_list[0].subject_image"


def failed(task_id: str = "task-1", **changes) -> None:
    store = TaskStore()
    store.fail(add_task(task_id, **changes), "The provider was not amused")


@pytest.fixture
def kept_subject(cloud) -> KeptInput:
    cloud.s3.put_object(Bucket="kiln-inputs", Key="task-1/subject-0.png", Body=b"pixels", ContentType="image/png")
    return KeptInput(field=SUBJECT, bucket="kiln-inputs", key="task-1/subject-0.png")


def test_a_failed_task_is_made_anew_with_copies_of_its_images(cloud, kept_subject):
    by_url = KeptInput(field="scene_image", url="https://example.com/scene.png")
    failed(external_task_id="mine", prompt="A cat", n=3, watermark=True, inputs=[kept_subject, by_url])
    made = retry(ADA, "mine")
    assert made.task_id != "task-1"
    assert (made.prompt, made.n, made.watermark, made.external_task_id) == ("A cat", 3, True, "")
    assert made.task_status is TaskStatus.SUBMITTED
    copied, scene = made.inputs
    assert scene == by_url
    assert copied == KeptInput(field=SUBJECT, bucket="kiln-inputs", key=f"{made.task_id}/subject-0.png")
    answer = cloud.s3.get_object(Bucket="kiln-inputs", Key=copied.key)
    assert (answer["Body"].read(), answer["ContentType"]) == (b"pixels", "image/png")
    assert TaskStore().get("task-1").task_status is TaskStatus.FAILED


def test_a_drop_answers_in_its_folder_again(cloud):
    failed(origin=Origin(door="drop", folder="f", version="1"))
    made = retry(ADA, "task-1")
    assert made.result_prefix == f"f/{made.task_id}"


def test_the_same_key_is_the_same_new_task(cloud):
    failed()
    failed("task-2")
    first = retry(ADA, "task-1", idempotency_key="once")
    assert retry(ADA, "task-1", idempotency_key="once") == first
    with pytest.raises(IdempotencyKeyReused):
        retry(ADA, "task-2", idempotency_key="once")
    assert retry(ADA, "task-1").task_id != first.task_id


def test_what_has_not_ended_is_refused(cloud):
    add_task()
    with pytest.raises(RetryRefused, match="it is submitted"):
        retry(ADA, "task-1")


def test_images_that_are_gone_are_named(cloud):
    failed(inputs=[KeptInput(field=SUBJECT, bucket="kiln-inputs", key="task-1/gone.png")])
    with pytest.raises(RetryRefused, match=r"subject_image_list\[0\]\.subject_image: is no longer kept"):
        retry(ADA, "task-1")


def test_others_tasks_are_not_there(cloud):
    failed()
    with pytest.raises(TaskNotFound):
        retry(BOB, "task-1")


def test_it_counts_as_a_task_of_the_minute_and_copies_nothing_when_that_is_used_up(cloud, kept_subject):
    failed(inputs=[kept_subject])
    retry(ADA, "task-1")
    kept = cloud.s3.list_objects_v2(Bucket="kiln-inputs")["KeyCount"]
    with pytest.raises(TooManyRequests):
        retry(ADA.model_copy(update={"tasks_per_minute": 1}), "task-1")
    assert cloud.s3.list_objects_v2(Bucket="kiln-inputs")["KeyCount"] == kept == 2
