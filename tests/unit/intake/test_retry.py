"""Trying again: a new task with the same request, of what has ended and is the caller's own."""

from __future__ import annotations

import json

import pytest

from kiln import clock
from kiln.auth.callers import Caller
from kiln.contract import TaskStatus
from kiln.drops import attempts, result_file
from kiln.drops import retry as drop_retry
from kiln.drops.ledger import DropLedger
from kiln.errors import IdempotencyKeyReused, RetryRefused, TaskNotFound, TooManyRequests
from kiln.images.stored import StoredInput
from kiln.intake import retry as intake_retry
from kiln.retry import retry
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin, Task
from tests.support.samples import add_task

ADA = Caller(name="ada", access_key="a", secret_key="s" * 32)
BOB = Caller(name="bob", access_key="b", secret_key="s" * 32)
SUBJECT = "subject_image_list[0].subject_image"


def failed(task_id: str = "task-1", **changes) -> None:
    store = TaskStore()
    store.fail(add_task(task_id, **changes), "The provider was not amused")


@pytest.fixture
def kept_subject(cloud) -> StoredInput:
    cloud.s3.put_object(Bucket="kiln-inputs", Key="task-1/subject-0.png", Body=b"pixels", ContentType="image/png")
    return StoredInput(field=SUBJECT, bucket="kiln-inputs", key="task-1/subject-0.png")


def test_failed_task_is_retried_with_copies_of_its_images(cloud, kept_subject):
    by_url = StoredInput(field="scene_image", url="https://example.com/scene.png")
    failed(external_task_id="mine", prompt="A cat", n=3, watermark=True, inputs=[kept_subject, by_url])
    made = retry(ADA, "mine")
    assert made.task_id != "task-1"
    assert (made.prompt, made.n, made.watermark, made.external_task_id) == ("A cat", 3, True, "")
    assert made.task_status is TaskStatus.SUBMITTED
    copied, scene = made.inputs
    assert scene == by_url
    assert copied == StoredInput(field=SUBJECT, bucket="kiln-inputs", key=f"{made.task_id}/subject-0.png")
    answer = cloud.s3.get_object(Bucket="kiln-inputs", Key=copied.key)
    assert (answer["Body"].read(), answer["ContentType"]) == (b"pixels", "image/png")
    assert TaskStore().get("task-1").task_status is TaskStatus.FAILED


def test_retried_drop_writes_its_result_file_again(cloud):
    failed(origin=Origin(channel="drop", folder="f", version="1"))
    made = retry(ADA, "task-1")
    assert made.result_prefix == f"f/{made.task_id}"


@pytest.fixture
def failed_drop(cloud) -> Task:
    failed(origin=Origin(channel="drop", folder="f", version="1"))
    return TaskStore().get("task-1")


def ends(task: Task) -> None:
    TaskStore().fail(task, "nor then")
    result_file.write_result(TaskStore().get(task.task_id), "https://kiln.test")


def test_drop_with_a_running_attempt_is_refused(failed_drop):
    first = retry(ADA, "task-1")
    with pytest.raises(RetryRefused, match=f"another attempt runs already, task {first.task_id}"):
        retry(ADA, "task-1")
    ends(first)
    second = retry(ADA, "task-1")
    ends(second)
    third = retry(ADA, first.task_id)
    assert len({"task-1", first.task_id, second.task_id, third.task_id}) == 4


def test_same_key_is_the_same_attempt_at_a_drop(failed_drop):
    first = retry(ADA, "task-1", idempotency_key="once")
    ends(first)
    ended = TaskStore().get(first.task_id)
    assert retry(ADA, "task-1", idempotency_key="once") == ended
    second = retry(ADA, "task-1", idempotency_key="twice")
    assert second.task_id != first.task_id
    assert retry(ADA, "task-1", idempotency_key="once") == ended
    assert retry(ADA, "task-1", idempotency_key="twice") == second


def test_key_used_for_another_request_is_refused_for_a_drop(failed_drop):
    failed("task-2")
    retry(ADA, "task-2", idempotency_key="once")
    with pytest.raises(IdempotencyKeyReused):
        retry(ADA, "task-1", idempotency_key="once")


def test_concurrent_retries_of_a_drop_make_one_attempt(failed_drop, monkeypatch):
    admit = intake_retry.admit
    monkeypatch.setattr(intake_retry, "admit", lambda *given, **named: overtaken() or admit(*given, **named))

    def overtaken() -> None:
        monkeypatch.setattr(intake_retry, "admit", admit)
        retry(ADA, "task-1", idempotency_key="faster")

    with pytest.raises(RetryRefused, match="another attempt runs already"):
        retry(ADA, "task-1", idempotency_key="slower")


@pytest.mark.parametrize("has_ended", [False, True])
def test_repeated_retry_completes_an_interrupted_one(cloud, failed_drop, monkeypatch, has_ended):
    def breaks(*_: object) -> None:
        raise RuntimeError("killed")

    DropLedger().expect("f", "task-1", 1)
    with monkeypatch.context() as patch:
        patch.setattr(result_file, "expect", breaks)
        with pytest.raises(RuntimeError):
            retry(ADA, "task-1", idempotency_key="once")
    made = TaskStore().get(attempts.next_id(failed_drop))
    if has_ended:
        ends(made)
    assert retry(ADA, "task-1", idempotency_key="once").task_id == made.task_id
    if not has_ended:
        ends(made)
    answer = cloud.s3.get_object(Bucket="kiln-outbox", Key="f/result.json")["Body"].read()
    assert json.loads(answer)["request_id"] == made.task_id


def test_new_drop_during_a_retry_gets_its_own_answer(failed_drop, monkeypatch):
    repeat_request = drop_retry.repeat_request

    def meanwhile(*given):
        now = clock.milliseconds()
        made = repeat_request(*given)
        monkeypatch.setattr(clock, "milliseconds", lambda: now + 20)
        DropLedger().expect("f", "task-1", now + 10)
        return made

    monkeypatch.setattr(drop_retry, "repeat_request", meanwhile)
    made = retry(ADA, "task-1")
    assert DropLedger().is_newest("f", made.task_id)


def test_repeated_retry_stays_older_than_a_later_drop(cloud, failed_drop):
    retry(ADA, "task-1", idempotency_key="once")
    DropLedger().expect("f", "newer", clock.milliseconds() + 1)
    retry(ADA, "task-1", idempotency_key="once")
    assert DropLedger().is_newest("f", "newer")


def test_same_key_is_the_same_new_task(cloud):
    failed()
    failed("task-2")
    first = retry(ADA, "task-1", idempotency_key="once")
    assert retry(ADA, "task-1", idempotency_key="once") == first
    with pytest.raises(IdempotencyKeyReused):
        retry(ADA, "task-2", idempotency_key="once")
    assert retry(ADA, "task-1").task_id != first.task_id


def test_retry_of_a_running_task_is_refused(cloud):
    add_task()
    with pytest.raises(RetryRefused, match="it is submitted"):
        retry(ADA, "task-1")


def test_missing_images_are_named(cloud):
    failed(inputs=[StoredInput(field=SUBJECT, bucket="kiln-inputs", key="task-1/gone.png")])
    with pytest.raises(RetryRefused, match=r"subject_image_list\[0\]\.subject_image: is no longer stored"):
        retry(ADA, "task-1")


def test_retry_refused_for_its_images_stores_nothing(cloud, kept_subject):
    gone = StoredInput(field="scene_image", bucket="kiln-inputs", key="task-1/gone.png")
    failed(inputs=[kept_subject, gone])
    for _ in range(3):
        with pytest.raises(RetryRefused, match="scene_image: is no longer stored"):
            retry(ADA.model_copy(update={"tasks_per_minute": 1}), "task-1")
    assert cloud.s3.list_objects_v2(Bucket="kiln-inputs")["KeyCount"] == 1
    failed("task-2")
    made = retry(ADA, "task-2")
    assert (made.sequence, made.turn) == (1, 1)


def test_tags_are_not_copied(cloud, kept_subject):
    """To copy them takes permissions that no function has: the moved image would be refused."""
    cloud.s3.put_object_tagging(
        Bucket=kept_subject.bucket, Key=kept_subject.key, Tagging={"TagSet": [{"Key": "project", "Value": "x"}]}
    )
    failed(inputs=[kept_subject])
    [copied] = retry(ADA, "task-1").inputs
    assert cloud.s3.get_object_tagging(Bucket=copied.bucket, Key=copied.key)["TagSet"] == []


def test_missing_dropped_version_is_refused_though_a_newer_one_exists(cloud):
    old = cloud.s3.put_object(Bucket="kiln-inbox", Key="f/cat.png", Body=b"1")["VersionId"]
    cloud.s3.put_object(Bucket="kiln-inbox", Key="f/cat.png", Body=b"2")
    failed(inputs=[StoredInput(field=SUBJECT, bucket="kiln-inbox", key="f/cat.png", version_id=old)])
    [copied] = retry(ADA, "task-1").inputs
    assert cloud.s3.get_object(Bucket=copied.bucket, Key=copied.key)["Body"].read() == b"1"
    cloud.s3.delete_object(Bucket="kiln-inbox", Key="f/cat.png", VersionId=old)
    with pytest.raises(RetryRefused, match="is no longer stored"):
        retry(ADA, "task-1")


def test_image_deleted_before_its_copy_is_named(cloud, kept_subject, monkeypatch):
    failed(inputs=[kept_subject])
    head = cloud.s3.head_object

    def head_object(**request):
        head(**request)
        cloud.s3.delete_object(Bucket=request["Bucket"], Key=request["Key"])

    monkeypatch.setattr(cloud.s3, "head_object", head_object)
    with pytest.raises(RetryRefused, match="is no longer stored"):
        retry(ADA, "task-1")


def test_retry_of_another_callers_task_is_not_found(cloud):
    failed()
    with pytest.raises(TaskNotFound):
        retry(BOB, "task-1")


def test_exhausted_rate_limit_refuses_a_retry_before_any_copy(cloud, kept_subject, one_minute):
    failed(inputs=[kept_subject])
    retry(ADA, "task-1")
    kept = cloud.s3.list_objects_v2(Bucket="kiln-inputs")["KeyCount"]
    with pytest.raises(TooManyRequests):
        retry(ADA.model_copy(update={"tasks_per_minute": 1}), "task-1")
    assert cloud.s3.list_objects_v2(Bucket="kiln-inputs")["KeyCount"] == kept == 2
