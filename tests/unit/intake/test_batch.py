"""Batches: one task for each job, refusals by number, all or nothing, repeats, and the caller's minute."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiln.auth.callers import Caller
from kiln.contract import TaskStatus
from kiln.contract.vocabulary import Priority
from kiln.errors import (
    DuplicateExternalBatchId,
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedRequest,
    TooManyRequests,
)
from kiln.intake import batch as batches
from kiln.intake.batch import cancel_batch, create_batch
from kiln.intake.create import create
from kiln.intake.uploads import open_upload
from kiln.tasks.batches import Batches, job_task_id
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from tests.support.images import picture
from tests.support.samples import create_body

ADA = Caller(name="ada", tasks_per_minute=10)

pytestmark = pytest.mark.usefixtures("cloud", "one_minute")


def body(*jobs: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"jobs": list(jobs), **fields})


def tasks(batch_id: str) -> list[Task]:
    return TaskStore().get_all(list(Batches().get(batch_id).tasks.values()))


def jobs(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [create_body(prompt=f"Cat {number}", **changes) for number in range(count)]


def test_each_job_becomes_a_task_in_its_order(accepted):
    made = create_batch(body(*jobs(3, n=2)), ADA)
    stored = tasks(made.batch.batch_id)
    assert [task.prompt for task in stored] == ["Cat 0", "Cat 1", "Cat 2"]
    assert [task.sequence for task in stored] == [1, 2, 3]
    assert [task.turn for task in stored] == [2, 4, 6]
    assert {task.origin.batch for task in stored} == {made.batch.batch_id}
    assert [(task.origin.part, task.origin.parts) for task in stored] == [(1, 3), (2, 3), (3, 3)]
    assert len(accepted) == 3


def test_defaults_fill_what_a_job_leaves_out():
    sent = body({"prompt": "A dog"}, {}, defaults=create_body(prompt="A cat", n=3), priority="low")
    stored = tasks(create_batch(sent, ADA).batch.batch_id)
    assert [(task.prompt, task.n, task.is_low) for task in stored] == [("A dog", 3, True), ("A cat", 3, True)]


def test_tasks_of_both_priorities_get_their_own_turns():
    sent = body(create_body(), create_body(priority="low"), create_body())
    turns = [task.turn for task in tasks(create_batch(sent, ADA).batch.batch_id)]
    assert turns[0] < turns[2] < turns[1]
    following = create(json.dumps(create_body()), ADA).task
    assert (following.sequence, following.turn) == (4, 3)


def test_bad_job_is_refused_by_its_number_and_the_others_run(accepted):
    sent = body(create_body(), create_body(n=10), create_body(promt="x"), note="mine")
    made = create_batch(sent, ADA)
    [refused] = made.batch.refused
    assert (refused.job, refused.code, refused.message) == (2, 1201, "n: must be at most 9, got 10")
    assert list(made.batch.tasks) == [1, 3]
    assert made.ignored == ["note", "job 3: promt"]
    assert len(accepted) == 2


@pytest.mark.parametrize(
    "bad",
    [
        create_body(n=10),
        create_body(callback_url="https://10.0.0.1/"),
        create_body(external_task_id="used"),
        create_body(external_task_id="twice"),
        create_body(scene_image="kiln-upload://" + "0" * 32),
    ],
)
def test_all_or_nothing_makes_nothing_of_a_batch_with_a_bad_job(accepted, bad):
    create(json.dumps(create_body(external_task_id="used")), ADA)
    with pytest.raises(InvalidRequest, match=r"^job 2: "):
        create_batch(body(create_body(external_task_id="twice"), bad, all_or_nothing=True), ADA)
    assert len(accepted) == 1


def test_batch_of_bad_jobs_alone_is_refused(accepted):
    with pytest.raises(InvalidRequest, match="job 1: n: must be at most 9, got 10; 1 more of 2 jobs are refused"):
        create_batch(body(create_body(n=10), {}), ADA)
    assert len(accepted) == 0


@pytest.mark.parametrize(
    ("sent", "error", "message"),
    [
        ("[]", MalformedRequest, "body: must be a JSON object"),
        (body(), InvalidRequest, "jobs: must have at least 1 element"),
        (body(*jobs(101)), InvalidRequest, "jobs: must have at most 100 elements"),
        (json.dumps({"jobs": ["x"]}), InvalidRequest, r"jobs\[0\]: must be an object, got 'x'"),
        (body(create_body(), callback_url="ftp://x"), InvalidRequest, "callback_url: must be an http"),
        (body(create_body(), callback_url="https://127.1/"), InvalidRequest, "callback_url: must not be a private"),
        (body(*jobs(11)), InvalidRequest, "jobs: must be at most 10, the tasks of a minute, got 11"),
    ],
)
def test_wrong_batch_is_refused(accepted, sent, error, message):
    with pytest.raises(error, match=message):
        create_batch(sent, ADA)
    assert len(accepted) == 0


@pytest.mark.parametrize(("key", "external_id"), [("7", None), (None, "order-7"), ("7", "order-7")])
def test_repeated_batch_is_the_same_batch(accepted, key, external_id):
    sent = body(*jobs(3), create_body(n=10), external_batch_id=external_id)
    first = create_batch(sent, ADA, idempotency_key=key)
    assert create_batch(sent, ADA, idempotency_key=key) == first
    assert len(accepted) == 3
    assert create_batch(sent, Caller(name="bob"), idempotency_key=key).batch.batch_id != first.batch.batch_id


def test_key_or_external_id_with_another_body_is_refused(accepted):
    create_batch(body(*jobs(1)), ADA, idempotency_key="7")
    create_batch(body(*jobs(1), external_batch_id="order-7"), ADA)
    with pytest.raises(IdempotencyKeyReused):
        create_batch(body(*jobs(2)), ADA, idempotency_key="7")
    with pytest.raises(DuplicateExternalBatchId, match="External_batch_id order-7 already exists"):
        create_batch(body(*jobs(2), external_batch_id="order-7"), ADA)
    assert len(accepted) == 2


def test_repeated_batch_completes_one_that_stopped_in_the_middle(accepted, monkeypatch):
    accept = batches.accept

    def stops(request: Any, caller: str, **options: Any) -> Task:
        if request.prompt == "Cat 2":
            raise ConnectionError
        return accept(request, caller, **options)

    monkeypatch.setattr(batches, "accept", stops)
    with pytest.raises(ConnectionError):
        create_batch(body(*jobs(3)), ADA, idempotency_key="7")
    monkeypatch.setattr(batches, "accept", accept)
    made = create_batch(body(*jobs(3)), ADA, idempotency_key="7")
    assert [task.prompt for task in tasks(made.batch.batch_id)] == ["Cat 0", "Cat 1", "Cat 2"]
    assert len(accepted) == 3


def test_minute_has_room_for_the_whole_batch_or_for_none_of_it(accepted):
    create_batch(body(*jobs(4), create_body(n=10)), ADA)
    with pytest.raises(TooManyRequests):
        create_batch(body(*jobs(6)), ADA)
    assert len(accepted) == 4
    create_batch(body(*jobs(5)), ADA)
    assert len(accepted) == 9


def test_id_that_is_used_meanwhile_refuses_that_job_alone(accepted, monkeypatch):
    monkeypatch.setattr(batches, "check", lambda *_: None)
    create(json.dumps(create_body(external_task_id="used")), ADA)
    made = create_batch(body(create_body(external_task_id="used"), create_body()), ADA)
    assert [refused.job for refused in made.batch.refused] == [1]
    assert list(made.batch.tasks) == [2]
    assert not made.batch.finished_at
    assert len(accepted) == 2


def test_upload_that_several_jobs_name_is_read_once(cloud, monkeypatch):
    reference = open_upload(ADA).reference
    key = f"uploads/ada/{reference.rpartition('/')[2]}"
    cloud.s3.put_object(Bucket="kiln-inputs", Key=key, Body=picture())
    made = create_batch(body({}, {}, defaults={"subject_image_list": [reference]}), ADA)
    assert len(tasks(made.batch.batch_id)) == 2
    monkeypatch.setattr(batches, "MOST_UPLOADED_MB", 0)
    with pytest.raises(InvalidRequest, match="jobs: must name uploads of at most 0 MB together"):
        create_batch(body({}, defaults={"subject_image_list": [reference]}), ADA)


def test_cancel_ends_the_tasks_that_wait_and_no_other(executions):
    batch = create_batch(body(*jobs(3), external_batch_id="mine"), ADA).batch
    running = job_task_id(batch.batch_id, 2)
    TaskStore().begin_dispatch(running)
    cancel_batch("ada", "mine")
    assert [task.task_status for task in tasks(batch.batch_id)] == [
        TaskStatus.FAILED,
        TaskStatus.SUBMITTED,
        TaskStatus.FAILED,
    ]


def test_low_priority_of_the_caller_holds_for_every_job():
    caller = Caller(name="bob", priority=Priority.LOW)
    assert all(task.is_low for task in tasks(create_batch(body(*jobs(2)), caller).batch.batch_id))
