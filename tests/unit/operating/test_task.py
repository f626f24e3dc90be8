"""An operator's changes to one task: fail, restart, retry; none is made twice."""

from __future__ import annotations

import pytest

from kiln.contract import TaskStatus
from kiln.errors import OperationRefused, TaskNotFound
from kiln.operating import task as task_operations
from kiln.tasks.admission import Admission
from kiln.tasks.store import TaskStore
from kiln.workflow.rescue import RESTARTED
from tests.support.samples import add_task, admit_task, stored_image
from tests.support.workflow import park

pytestmark = pytest.mark.usefixtures("cloud")


def test_ending_a_parked_task_wakes_its_workflow(executions):
    add_task()
    park("task-1", "token")
    change = task_operations.fail("task-1", "The campaign was called off")
    assert (change.did, change.task_status) == ("woken", TaskStatus.FAILED)
    assert executions.succeeded == ["token"]
    task = TaskStore().get("task-1")
    assert task.task_status_msg == "The campaign was called off"
    assert not task.is_waiting


def test_ending_a_task_with_a_failed_workflow_starts_it_again(executions):
    add_task()
    executions.started["task-1"] = {}
    change = task_operations.fail("task-1", "Stuck")
    assert (change.did, change.execution) == ("restarted", "task-1")
    assert executions.ended["task-1"] == ("ABORTED", RESTARTED)
    assert TaskStore().get("task-1").wake_requested_at is not None


def test_ending_a_task_without_workflow_starts_one(executions):
    add_task()
    assert task_operations.fail("task-1", "Never started").did == "started"
    assert executions.started["task-1"]["task_id"] == "task-1"


def test_ending_again_for_the_same_reason_changes_nothing(executions):
    add_task()
    executions.started["task-1"] = {}
    task_operations.fail("task-1", "Stuck")
    executions.ended["task-1"] = ("SUCCEEDED", "")
    assert task_operations.fail("task-1", "Stuck").did == "none"
    with pytest.raises(OperationRefused, match=r"already ended \(failed\)"):
        task_operations.fail("task-1", "Another reason")


@pytest.mark.parametrize("reason", ["", "  "])
def test_ending_without_a_reason_is_refused(reason):
    add_task()
    with pytest.raises(OperationRefused, match="reason"):
        task_operations.fail("task-1", reason)
    assert TaskStore().get("task-1").task_status is TaskStatus.SUBMITTED


def test_ending_a_succeeded_task_is_refused(executions):
    task = add_task()
    TaskStore().succeed(task, [stored_image()], "16")
    executions.ended["task-1"] = ("SUCCEEDED", "")
    with pytest.raises(OperationRefused, match="has already ended"):
        task_operations.fail("task-1", "No")
    assert task_operations.restart("task-1").did == "none"
    with pytest.raises(OperationRefused, match="only a failed task"):
        task_operations.retry("task-1")
    assert TaskStore().get("task-1").task_status is TaskStatus.SUCCEED


def test_task_without_workflow_is_started(executions):
    add_task()
    change = task_operations.restart("task-1")
    assert (change.did, change.execution) == ("started", "task-1")
    assert executions.started["task-1"]["task_id"] == "task-1"


def test_failed_workflow_starts_again_with_its_own_input(executions):
    add_task()
    executions.started |= {"task-1": {"task_id": "task-1"}, "task-1-again-1": {"task_id": "task-1", "turn": "7"}}
    executions.ended |= {"task-1": ("FAILED", ""), "task-1-again-1": ("FAILED", "")}
    assert task_operations.restart("task-1").execution == "task-1-again-2"
    assert executions.started["task-1-again-2"] == {"task_id": "task-1", "turn": "7"}


def test_executions_are_found_by_the_tasks_execution_name(executions):
    add_task(run_id="task-1_2")
    executions.ended["task-1"] = ("SUCCEEDED", "")
    change = task_operations.restart("task-1")
    assert (change.did, change.execution) == ("started", "task-1_2")
    assert task_operations.restart("task-1").did == "restarted"
    assert task_operations.restart("task-1").execution == "task-1_2-again-1"


def test_unnotified_end_is_notified(executions):
    task = add_task()
    TaskStore().fail(task, "Why ever")
    executions.started["task-1"] = {"task_id": "task-1"}
    executions.ended["task-1"] = ("FAILED", "")
    assert task_operations.restart("task-1").execution == "task-1-again-1"


def test_failed_task_is_retried_for_its_caller():
    task = add_task(prompt="A cat")
    TaskStore().fail(task, "The provider had a bad day")
    change = task_operations.retry("task-1")
    assert change.did == "created"
    created = TaskStore().get(change.task_id)
    assert (created.caller, created.prompt, created.task_status) == ("ada", "A cat", TaskStatus.SUBMITTED)
    assert created.inputs == task.inputs


@pytest.mark.parametrize(
    "operation", [lambda: task_operations.fail("missing", "x"), lambda: task_operations.restart("missing")]
)
def test_missing_task_is_refused(operation):
    with pytest.raises(TaskNotFound):
        operation()


def test_ended_waiting_tasks_cost_their_caller_no_turn(executions):
    for number in range(5):
        admit_task(f"task-{number}", n=9)
        task_operations.fail(f"task-{number}", "Called off")
    assert Admission().admit("ada", 1, per_minute=100).turn == 1
