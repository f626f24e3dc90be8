"""The task store on a table as the template defines it: uniqueness, ownership, and statuses that only move on."""

from __future__ import annotations

import time

import pytest

from kiln.contract import TaskStatus
from kiln.errors import DuplicateExternalTaskId, TaskNotFound
from kiln.tasks import items, queue
from kiln.tasks.store import TaskStore
from tests.support.samples import admit_task, stored_image

ODD_IDS = ["a/b", "a b", "猫🐈", "#", "a\nb", "CALLER#ada", "0", "null", "🐈" * 512, "x" * 512]


@pytest.fixture
def store(cloud) -> TaskStore:
    return TaskStore()


def add(store: TaskStore, task_id: str = "task-1", **changes):
    return admit_task(task_id, **changes)


def raw(cloud, task_id: str = "task-1"):
    return cloud.dynamodb.get_item(TableName="kiln-table", Key=items.task_key(task_id))["Item"]


def test_added_task_is_read_back(store):
    task = add(store, external_task_id="mine", prompt="A cat")
    assert store.get("task-1") == task
    assert task.sequence == 1


def test_each_caller_has_its_own_task_numbers(store):
    assert [add(store, f"a{number}").sequence for number in range(3)] == [1, 2, 3]
    assert add(store, "b0", caller="bob").sequence == 1


def test_new_task_is_in_the_queue_and_expires(store, cloud):
    add(store)
    item = raw(cloud)
    assert item["queue"] == {"S": "waiting"}
    assert item["turn"] == {"N": "1"}
    assert int(item["expires_at"]["N"]) == pytest.approx(time.time() + 30 * 86_400, abs=60)


@pytest.mark.parametrize("external_task_id", ["", "mine"])
def test_second_add_changes_nothing(store, external_task_id):
    first = add(store, external_task_id=external_task_id)
    store.fail(first, "why")
    again = add(store, external_task_id=external_task_id, prompt="another")
    assert again.task_status is TaskStatus.FAILED
    assert again.prompt == ""
    assert again.sequence == first.sequence


def test_external_id_is_unique_per_caller(store):
    add(store, external_task_id="mine")
    with pytest.raises(DuplicateExternalTaskId, match="External_task_id mine already exists") as refused:
        add(store, "task-2", external_task_id="mine")
    assert (refused.value.code, refused.value.http_status) == (1201, 400)
    with pytest.raises(TaskNotFound):
        store.get("task-2")
    assert add(store, "task-3", external_task_id="mine", caller="bob").task_id == "task-3"


def test_external_id_of_a_failed_task_stays_used(store):
    store.fail(add(store, external_task_id="mine"), "why")
    with pytest.raises(DuplicateExternalTaskId):
        add(store, "task-2", external_task_id="mine")


def test_used_external_id_is_found_before_adding(store):
    store.check_external_id("task-1", "ada", "mine")
    store.check_external_id("task-1", "ada", "")
    add(store, external_task_id="mine")
    store.check_external_id("task-1", "ada", "mine")
    store.check_external_id("task-2", "bob", "mine")
    with pytest.raises(DuplicateExternalTaskId):
        store.check_external_id("task-2", "ada", "mine")


@pytest.mark.parametrize("external_task_id", ODD_IDS)
def test_external_id_of_any_characters_finds_its_task(store, external_task_id):
    add(store, external_task_id=external_task_id)
    assert store.find("ada", external_task_id).task_id == "task-1"


@pytest.mark.parametrize("either_id", [*ODD_IDS, "task-1\x00", "x" * 5_000])
def test_missing_task_is_not_found(store, either_id):
    add(store)
    with pytest.raises(TaskNotFound) as missing:
        store.find("ada", either_id)
    assert (missing.value.code, missing.value.http_status) == (1203, 404)
    assert len(missing.value.message) < 300


def test_another_callers_task_is_not_found(store):
    add(store, external_task_id="mine")
    assert store.find("ada", "task-1") == store.find("ada", "mine")
    for either_id in ("task-1", "mine"):
        with pytest.raises(TaskNotFound):
            store.find("bob", either_id)


def test_external_id_equal_to_another_callers_task_id_finds_ones_own(store):
    add(store, "task-1", caller="bob")
    add(store, "task-2", external_task_id="task-1")
    assert store.find("ada", "task-1").task_id == "task-2"
    assert store.find("bob", "task-1").task_id == "task-1"


def test_status_change_removes_the_task_from_the_queue(store, cloud):
    task = add(store)
    processing = store.process(task)
    assert processing is not None
    assert processing.task_status is TaskStatus.PROCESSING
    assert processing.updated_at > task.updated_at
    done = store.succeed(processing, [stored_image(0), stored_image(1)], "32")
    assert done is not None
    assert done.task_status is TaskStatus.SUCCEED
    assert done.final_unit_deduction == "32"
    assert done.result == [stored_image(0), stored_image(1)]
    assert store.get("task-1") == done


def test_cancel_is_refused_once_dispatched(store, cloud):
    task = add(store)
    cancelled = store.cancel(task, "cancelled")
    assert cancelled is not None
    assert (cancelled.task_status, cancelled.task_status_msg) == (TaskStatus.FAILED, "cancelled")
    assert not cancelled.is_waiting
    assert {"queue", "turn"}.isdisjoint(raw(cloud))
    assert store.cancel(task, "cancelled") is None
    task = add(store, "task-2")
    store.begin_dispatch("task-2")
    assert store.cancel(task, "cancelled") is None
    assert store.get("task-2").task_status is TaskStatus.SUBMITTED


def test_queue_position_counts_from_the_head(store):
    tasks = [add(store, f"t{number}") for number in range(3)]
    assert [queue.TaskQueue().position(task) for task in tasks] == [1, 2, 3]
    store.begin_dispatch("t0")
    late = add(store, "t3")
    # A process reads the queue once a second, however many callers ask: a later task is behind all that it has read.
    assert [queue.TaskQueue().position(task) for task in (*tasks[1:], late)] == [2, 3, 4]
    queue._turns_of.cache_clear()
    assert [queue.TaskQueue().position(task) for task in (*tasks[1:], late)] == [1, 2, 3]
    assert queue.TaskQueue().position(tasks[0]) == 1  # It has left meanwhile: never less than the head.


@pytest.mark.parametrize("end", ["succeed", "fail"])
def test_terminal_task_does_not_change(store, end):
    task = add(store)
    ended = store.succeed(task, [stored_image()], "16") if end == "succeed" else store.fail(task, "why")
    assert store.process(task) is None
    assert store.succeed(task, [], "0") is None
    assert store.fail(task, "another reason") is None
    assert store.get("task-1") == ended


def test_second_processing_changes_nothing(store):
    task = add(store)
    assert store.process(task) is not None
    assert store.process(task) is None


def test_update_with_an_earlier_clock_keeps_the_later_time(store):
    late = time.time_ns() // 1_000_000 + 1_000_000
    task = add(store, updated_at=late)
    failed = store.fail(task, "why")
    assert failed is not None
    assert failed.updated_at == late


def test_dispatch_is_counted_and_removes_the_task_from_the_queue(store, cloud):
    add(store)
    store.request_wake_up("task-1")
    assert [store.begin_dispatch("task-1").dispatch_attempts for _ in range(3)] == [1, 2, 3]
    assert {"wake_requested_at", "task_token"}.isdisjoint(raw(cloud))
    assert raw(cloud)["queue"] == {"S": "running"}
    assert not store.get("task-1").is_waiting


def test_second_dispatch_keeps_the_first_time(store):
    task = add(store)
    store.refused(task, "full")
    assert store.get("task-1").refusal == "full"
    first = store.dispatched(task, "p-1")
    assert (first.provider_task_id, first.refusal) == ("p-1", "")
    time.sleep(0.002)
    assert store.dispatched(task, "p-1").dispatched_at == first.dispatched_at


def test_requested_wake_up_is_read_and_cleared(store, cloud):
    add(store)
    assert store.request_wake_up("task-1") is None
    assert store.begin_poll("task-1").wake_requested_at is not None
    assert store.begin_poll("task-1").wake_requested_at is None
    cloud.dynamodb.update_item(
        TableName="kiln-table",
        Key=items.task_key("task-1"),
        UpdateExpression="SET task_token = :token",
        ExpressionAttributeValues={":token": {"S": "token"}},
    )
    assert store.request_wake_up("task-1") == "token"
    store.begin_poll("task-1")
    assert store.request_wake_up("task-1") is None


def test_wake_up_of_a_missing_task_creates_nothing(store):
    with pytest.raises(TaskNotFound):
        store.request_wake_up("missing")
    with pytest.raises(TaskNotFound):
        store.get("missing")
