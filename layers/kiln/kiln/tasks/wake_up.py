"""Wakes a parked workflow: requests a wake-up and gives Step Functions the parked task token, if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiln import aws
from kiln.tasks.store import TaskStore

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# AWS says TaskTimedOut, or InvalidToken for an old token; the local AWS says TaskDoesNotExist.
_AWAKE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


def wake(
    task_id: str,
    *,
    unless_processing: bool = False,
    tasks: TaskStore | None = None,
    step_functions: SFNClient | None = None,
) -> bool:
    """Wakes a task's workflow, or lets its next parking pass at once.

    A wake-up only says *that* something happened; the workflow finds out what.

    Args:
        task_id: The task.
        unless_processing: Leave a task alone that has left ``submitted``.
        tasks: The task store.
        step_functions: Receives the task token.

    Returns:
        Whether a parked workflow was woken.

    Raises:
        TaskNotFound: There is no such task.
    """
    token = (tasks or TaskStore()).request_wake_up(task_id, unless_processing=unless_processing)
    if token is None:
        return False
    client = step_functions or aws.step_functions()
    try:
        client.send_task_success(taskToken=token, output="{}")
    except Exception as error:
        if aws.error_code(error) in _AWAKE:
            return False
        raise
    return True
