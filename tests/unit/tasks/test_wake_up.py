"""Waking requests a wake-up and gives Step Functions the parked token; a workflow that is awake is no error."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from kiln.errors import TaskNotFound
from kiln.tasks.store import TaskStore
from kiln.tasks.wake_up import wake
from tests.support.samples import add_task
from tests.support.workflow import park


@pytest.fixture(autouse=True)
def _a_task(cloud) -> None:
    add_task()


def test_parked_workflow_is_woken(executions):
    park()
    assert wake("task-1") is True
    assert executions.succeeded == ["the-token"]
    assert TaskStore().begin_poll("task-1").wake_requested_at is not None


def test_running_workflow_finds_the_wake_up_when_it_parks(executions):
    assert wake("task-1") is False
    assert executions.succeeded == []
    assert TaskStore().begin_poll("task-1").wake_requested_at is not None


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_used_token_means_the_workflow_is_awake(executions, code):
    park()
    executions.refusal = code
    assert wake("task-1") is False
    assert TaskStore().begin_poll("task-1").wake_requested_at is not None


def test_other_refusal_by_step_functions_is_a_fault(executions):
    park()
    executions.refusal = "AccessDeniedException"
    with pytest.raises(ClientError):
        wake("task-1")


def test_missing_task_wakes_no_workflow(executions):
    with pytest.raises(TaskNotFound):
        wake("missing")
