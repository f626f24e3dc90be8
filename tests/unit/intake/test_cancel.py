"""Cancel: only a waiting task ends, once, and its workflow is woken."""

from __future__ import annotations

import pytest

from kiln.contract import TaskStatus
from kiln.errors import CancelRefused, TaskNotFound
from kiln.intake.accept import accept
from kiln.intake.cancel import REASON, cancel
from kiln.tasks.store import TaskStore
from tests.support.samples import add_task, create_request, stored_image
from tests.support.workflow import park


@pytest.fixture(autouse=True)
def _a_task(cloud, executions) -> None:
    add_task(external_task_id="mine")


@pytest.mark.parametrize("either_id", ["task-1", "mine"])
def test_waiting_task_fails_and_its_workflow_wakes(executions, either_id):
    park()
    cancelled = cancel("ada", either_id)
    assert (cancelled.task_status, cancelled.task_status_msg) == (TaskStatus.FAILED, REASON)
    stored = TaskStore().get("task-1")
    assert stored.wake_requested_at is not None
    assert stored.model_copy(update={"wake_requested_at": None, "wake_ups": 0}) == cancelled
    assert executions.succeeded == ["the-token"]


def test_cancelled_task_refunds_its_callers_turn(executions):
    for number in range(10):
        accept(create_request(n=9, external_task_id=f"many-{number}"), "ada")
    for number in range(10):
        for _ in range(2):  # A second cancel refunds nothing.
            cancel("ada", f"many-{number}")
    assert accept(create_request(), "ada").turn == 1


def test_second_cancel_gets_the_same_answer(executions):
    first = cancel("ada", "mine")
    again = cancel("ada", "mine")
    assert again.model_copy(update={"wake_requested_at": None, "wake_ups": 0}) == first


def test_cancel_is_refused_once_dispatched():
    TaskStore().begin_dispatch("task-1")
    with pytest.raises(CancelRefused, match="is being generated") as refused:
        cancel("ada", "task-1")
    assert refused.value.http_status == 409
    assert TaskStore().get("task-1").task_status is TaskStatus.SUBMITTED


@pytest.mark.parametrize("end", ["succeed", "failed"])
def test_cancel_is_refused_once_terminal(end):
    store = TaskStore()
    task = store.get("task-1")
    ended = store.succeed(task, [stored_image()], "16") if end == "succeed" else store.fail(task, "why")
    with pytest.raises(CancelRefused, match=f"has ended \\({end}\\)"):
        cancel("ada", "task-1")
    assert store.get("task-1") == ended


def test_cancel_is_refused_when_dispatch_comes_in_between(executions):
    class Overtaken(TaskStore):
        def find(self, caller, either_id):
            found = super().find(caller, either_id)
            TaskStore().begin_dispatch(found.task_id)
            return found

    with pytest.raises(CancelRefused):
        cancel("ada", "task-1", tasks=Overtaken())
    assert TaskStore().get("task-1").task_status is TaskStatus.SUBMITTED


def test_cancel_of_another_callers_task_is_not_found():
    with pytest.raises(TaskNotFound):
        cancel("bob", "task-1")
