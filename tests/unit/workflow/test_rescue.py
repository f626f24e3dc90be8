"""Rescue: an execution that broke starts again; one that was stopped is concluded; nothing goes on for ever."""

from __future__ import annotations

import json

import pytest

from kiln.contract import TaskStatus
from kiln.tasks.store import TaskStore
from kiln.workflow.rescue import MOST_RESCUES, RESTARTED, rescue
from tests.support.samples import add_task

TASK_ID = "0123456789abcdef0123456789abcdef"
RUN_ID = f"{TASK_ID}_1722769557708"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:kiln-task"
EXECUTION_INPUT = json.dumps({"task_id": TASK_ID})

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture(autouse=True)
def _ended(executions) -> None:
    """Step Functions' answers about the executions of the tests."""
    executions.ended[RUN_ID] = ("ABORTED", "")


def broke(name: str = RUN_ID, status: str = "FAILED") -> str | None:
    return rescue(MACHINE, name, status, EXECUTION_INPUT)


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT"])
def test_failed_execution_starts_again_with_its_own_input(executions, status):
    add_task(TASK_ID)
    assert broke(status=status) == f"{RUN_ID}-again-1"
    assert executions.started[f"{RUN_ID}-again-1"] == {"task_id": TASK_ID}
    assert TaskStore().get(TASK_ID).task_status is TaskStatus.SUBMITTED


@pytest.mark.parametrize("run_id", [RUN_ID, f"{TASK_ID}_1"])
def test_second_failure_is_counted(executions, run_id):
    add_task(TASK_ID, run_id=run_id)
    assert broke(run_id) == f"{run_id}-again-1"
    assert broke(f"{run_id}-again-1") == f"{run_id}-again-2"


def test_aborted_execution_is_found_by_its_run_id(executions):
    add_task(TASK_ID, run_id=f"{TASK_ID}_1722769557708")
    executions.ended[f"{TASK_ID}_1722769557708"] = ("ABORTED", "")
    assert broke(f"{TASK_ID}_1722769557708", status="ABORTED") == f"{TASK_ID}_1722769557708-again-1"
    assert TaskStore().get(TASK_ID).task_status is TaskStatus.FAILED


def test_repeated_event_starts_one_execution(executions):
    add_task(TASK_ID)
    assert broke() == broke()
    assert len(executions.started) == 1


def test_execution_stopped_by_a_person_fails_the_task(executions):
    add_task(TASK_ID)
    assert broke(status="ABORTED") == f"{RUN_ID}-again-1"
    task = TaskStore().get(TASK_ID)
    assert task.task_status is TaskStatus.FAILED
    assert "was stopped" in task.task_status_msg
    # The task may wait in the queue: the new execution must not park there without a wake-up.
    assert task.wake_requested_at is not None


@pytest.mark.parametrize("name", [RUN_ID, f"{RUN_ID}-again-{MOST_RESCUES + 3}"])
def test_execution_stopped_for_a_restart_starts_again(executions, name):
    add_task(TASK_ID)
    executions.ended[name] = ("ABORTED", RESTARTED)
    again = broke(name, status="ABORTED")
    assert again in executions
    assert TaskStore().get(TASK_ID).task_status is TaskStatus.SUBMITTED


def test_task_that_fails_every_time_ends_after_the_last_restart(executions):
    add_task(TASK_ID)
    assert broke(f"{RUN_ID}-again-{MOST_RESCUES}") == f"{RUN_ID}-again-{MOST_RESCUES + 1}"
    assert TaskStore().get(TASK_ID).task_status is TaskStatus.FAILED
    assert broke(f"{RUN_ID}-again-{MOST_RESCUES + 1}") is None
    assert len(executions.started) == 1


def test_execution_named_by_a_person_is_ignored(executions):
    assert broke("trial of Tuesday") is None
    assert not executions.started


def test_task_that_is_gone_needs_no_rescue(executions):
    executions.ended[RUN_ID] = ("ABORTED", "")
    assert broke(status="ABORTED") is None
    assert not executions.started
