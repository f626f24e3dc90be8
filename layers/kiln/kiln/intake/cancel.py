"""Cancels a task that waits in the queue."""

from __future__ import annotations

from kiln.errors import CancelRefused
from kiln.tasks.admission import Admission
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.tasks.wake_up import wake

REASON = "Cancelled by the caller before it was its turn"


def cancel(caller: str, either_id: str, *, tasks: TaskStore | None = None) -> Task:
    """Ends one of a caller's waiting tasks: it fails, costs nothing, and its workflow notifies the caller.

    The task no longer counts in the fair queue, so the caller's next task moves up. A second cancel of a cancelled task
    returns it again.

    Raises:
        TaskNotFound: This caller has no such task (1203).
        CancelRefused: It no longer waits in the queue: the provider has it, or it has ended (409).
    """
    tasks = tasks or TaskStore()
    task = tasks.find(caller, either_id)
    if task.task_status_msg == REASON:
        wake(task.task_id, tasks=tasks)  # The first request may have stopped before it woke the workflow.
        return task
    cancelled = tasks.cancel(task, REASON) if task.is_waiting else None
    if cancelled is None:
        state = f"has ended ({task.task_status})" if task.task_status.is_terminal else "is being generated"
        raise CancelRefused(f"the task cannot be cancelled: it {state}")
    Admission().withdraw(task.caller, task.n, is_low=task.is_low)
    wake(task.task_id, tasks=tasks)
    return cancelled
