"""Release: slots go back, the next is woken, the end is told, and repeating it is harmless."""

from __future__ import annotations

import pytest

from kiln import aws
from kiln.contract import TaskStatus
from kiln.slots.store import Slots
from kiln.tasks import items
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin
from kiln.workflow.release import hand_over, reconcile, release
from tests.support.samples import add_task, stored_image
from tests.support.workflow import park


@pytest.fixture(autouse=True)
def _one_slot(cloud, executions, monkeypatch) -> None:
    monkeypatch.setenv("PROVIDER_SLOTS", "1")


def ended(task_id: str = "task-1", **changes) -> None:
    """A task that holds the only slot and has succeeded."""
    store = TaskStore()
    task = add_task(task_id, **changes)
    store.begin_dispatch(task_id)
    store.succeed(task, [stored_image()], "16")
    aws.dynamodb().put_item(TableName="kiln-table", Item={**items.SLOTS_KEY, "holders": {"SS": [f"{task_id}#0"]}})


def test_end_is_published_with_its_status():
    ended()
    ending = release("task-1")
    assert ending.event.detail_type == "Image Task Succeeded"
    assert len(ending.event.detail.data.task_result.images) == 1
    assert ending.event.detail.data.task_result.images[0].url.startswith("https://kiln.test/v1/results/")
    assert Slots().state().names == set()


def test_next_task_of_the_queue_is_woken(executions):
    ended()
    add_task("task-2")
    add_task("task-3")
    park("task-2", "token-2")
    assert release("task-1").woken == 1
    assert executions.succeeded == ["token-2"]
    assert Slots().state().names == {"task-2#0"}


def test_repeated_release_changes_nothing(executions):
    ended()
    add_task("task-2")
    park("task-2", "token-2")
    first = release("task-1")
    again = release("task-1")
    assert again.event == first.event
    # Whoever was handed the slots and has not gone on may not have been woken the first time.
    assert again.woken == 1
    assert set(executions.succeeded) == {"token-2"}
    assert Slots().state().names == {"task-2#0"}


@pytest.mark.parametrize("fault", ["States.Timeout", None])
def test_fault_fails_the_task(fault):
    add_task()
    ending = release("task-1", fault)
    assert ending.event.detail_type == "Image Task Failed"
    task = TaskStore().get("task-1")
    assert task.task_status is TaskStatus.FAILED
    assert task.task_status_msg == f"Kiln could not continue the task: {fault or 'no reason is known'}"


def test_fault_after_success_keeps_the_success():
    ended()
    assert release("task-1", "States.TaskFailed").event.detail_type == "Image Task Succeeded"


def test_slots_of_a_missing_task_are_handed_to_the_next(executions, cloud, monkeypatch):
    ended()
    add_task("task-gone")
    add_task("task-3")
    park("task-3", "token-3")

    class Expiring(TaskStore):
        """Tasks of which one is swept away by TTL between standing in line and being woken."""

        def request_wake_up(self, task_id: str) -> str | None:
            if task_id == "task-gone":
                cloud.dynamodb.delete_item(TableName="kiln-table", Key=items.task_key(task_id))
            return super().request_wake_up(task_id)

    assert release("task-1", tasks=Expiring()).woken == 1
    assert executions.succeeded == ["token-3"]
    assert Slots().state().names == {"task-3#0"}


def test_slots_of_a_task_without_images_are_handed_over(executions):
    """The provider is done with the task: to hold its slots while its images are tried for is to hold up everybody."""
    add_task()
    store = TaskStore()
    store.begin_dispatch("task-1")
    store.begin_collect("task-1")
    add_task("task-2")
    park("task-2", "token-2")
    aws.dynamodb().put_item(TableName="kiln-table", Item={**items.SLOTS_KEY, "holders": {"SS": ["task-1#0"]}})
    assert hand_over("task-1") == 1
    assert executions.succeeded == ["token-2"]
    assert Slots().state().names == {"task-2#0"}
    assert not store.get("task-1").task_status.is_terminal
    store.succeed(store.get("task-1"), [stored_image()], "16")
    assert release("task-1").event.detail_type == "Image Task Succeeded"
    assert Slots().state().names == {"task-2#0"}


def test_failed_wake_up_is_a_fault_and_can_be_repeated(executions):
    ended()
    add_task("task-2")
    park("task-2", "token-2")
    executions.refusal = "AccessDeniedException"
    with pytest.raises(Exception, match="AccessDenied"):
        release("task-1")
    executions.refusal = ""
    release("task-1")
    assert Slots().state().names == {"task-2#0"}
    assert TaskStore().get("task-2").wake_requested_at is not None


def test_receiver_of_the_end_is_returned():
    ended("task-1")
    ended("task-2", callback_url="https://caller.test/hook")
    ended("task-3", origin=Origin(channel="drop", folder="f"))
    assert [release(f"task-{number}").to_notify for number in (1, 2, 3)] == [False, True, True]


def test_long_waiting_task_reconciles_the_queue(executions):
    for name in ("task-1", "task-2"):
        add_task(name)
    park("task-1", "token-1")
    assert reconcile() == 1
    assert executions.succeeded == ["token-1"]
    assert Slots().state().names == {"task-1#0"}
    # It has not gone on: it is woken once more.
    assert reconcile() == 1
