"""Release: it frees slots, wakes the next task, notifies of the end, and may be repeated."""

from __future__ import annotations

import pytest

from kiln import aws
from kiln.contract import TaskStatus
from kiln.slots.store import Slots
from kiln.tasks import items
from kiln.tasks.store import TaskStore
from kiln.workflow.outcomes import Outcome
from kiln.workflow.release import release, release_and_wake, release_ended
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


def test_a_waking_that_fails_is_a_fault_and_can_be_repeated(executions):
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


def test_parked_task_is_woken_without_a_read(executions, monkeypatch):
    ended()
    add_task("task-2")
    park("task-2", "token-2")
    monkeypatch.setattr(TaskStore, "has_ended", lambda *_: pytest.fail("it reads the task"))
    assert release_and_wake("task-1", 1) == 1
    assert executions.succeeded == ["token-2"]


def test_next_in_the_queue_is_woken(executions):
    ended()
    add_task("task-2")
    add_task("task-3")
    park("task-2", "token-2")
    assert release_and_wake("task-1", 1) == 1
    assert executions.succeeded == ["token-2"]
    assert Slots().state().names == {"task-2#0"}


def test_repeated_release_is_harmless(executions):
    ended()
    add_task("task-2")
    park("task-2", "token-2")
    first = release("task-1")
    assert release("task-1") == first
    assert set(executions.succeeded) == {"token-2"}
    # The task that got the slots may not have been woken the first time.
    assert TaskStore().get("task-2").wake_ups == 2
    assert Slots().state().names == {"task-2#0"}


def test_slots_handed_to_a_task_that_is_gone_go_to_the_next(executions, cloud):
    ended()
    add_task("task-gone")
    add_task("task-3")
    park("task-3", "token-3")

    class Expiring(TaskStore):
        """Tasks of which one is swept away by TTL while it waits."""

        def request_wake_up(self, task_id: str, **options: bool) -> str | None:
            if task_id == "task-gone":
                cloud.dynamodb.delete_item(TableName="kiln-table", Key=items.task_key(task_id))
            return super().request_wake_up(task_id, **options)

    assert release_and_wake("task-1", 1, tasks=Expiring()) == 1
    assert executions.succeeded == ["token-3"]
    assert Slots().state().names == {"task-3#0"}


def test_missing_task_releases_its_slots(executions):
    aws.dynamodb().put_item(TableName="kiln-table", Item={**items.SLOTS_KEY, "holders": {"SS": ["task-1#0"]}})
    add_task("task-2")
    assert release("task-1", "States.Timeout").outcome is Outcome.GONE
    assert Slots().state().names == {"task-2#0"}


def test_slots_of_ended_and_missing_tasks_are_released(executions):
    ended()
    add_task("task-2")
    assert release_ended() == 1
    assert Slots().state().names == {"task-2#0"}
    assert release_ended() == 0


def test_unreadable_task_holds_up_no_other(executions, cloud):
    """Another release accepted it, with a model that this one does not know."""
    ended()
    add_task("task-2")
    cloud.dynamodb.update_item(
        TableName="kiln-table",
        Key=items.task_key("task-2"),
        UpdateExpression="SET model_name = :new, aspect_ratio = :new",
        ExpressionAttributeValues={":new": {"S": "of-a-later-release"}},
    )
    assert release("task-1").outcome is Outcome.ENDED
    assert Slots().state().names == {"task-2#0"}
    assert TaskStore().get("task-2").model_name == "of-a-later-release"
