"""Retries a task that has ended: a drop as its next attempt, any other task as a new one."""

from __future__ import annotations

from kiln.auth.callers import Caller
from kiln.drops.retry import retry_drop
from kiln.errors import RetryRefused
from kiln.intake.accept import known_task
from kiln.intake.create import task_id_of_key
from kiln.intake.retry import repeat_request
from kiln.tasks.ids import new_task_id
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task


def retry(caller: Caller, either_id: str, *, idempotency_key: str | None = None) -> Task:
    """Creates a task with the same request as one of the caller's that has ended.

    The new task has no ``external_task_id``, as that belongs to the old one. Its stored images are copied, so that they
    are kept for as long as any new task's.

    Args:
        caller: Who is calling.
        either_id: The ended task's id, or its external id.
        idempotency_key: The same key for the same task is the same new task.

    Raises:
        TaskNotFound: This caller has no such task (1203).
        RetryRefused: It has not ended, is a drop that is retried already, or its images are no longer stored (409).
        IdempotencyKeyReused: The key was used before with another request (422).
        BudgetUsedUp: The caller's units of this month are used up (1102).
        TooManyRequests: The caller's minute is used up (1302).
    """
    tasks = TaskStore()
    ended = tasks.find(caller.name, either_id)
    if not ended.task_status.is_terminal:
        raise RetryRefused(f"the task cannot be retried: it is {ended.task_status} and may still succeed")
    key_id = task_id_of_key(caller.name, idempotency_key)
    digest = f"retry of {ended.task_id}" if key_id else ""
    begun = known_task(tasks, key_id, digest) if key_id else None
    if ended.origin.channel == "drop":
        return retry_drop(caller, ended, key_id or "", begun)
    return begun or repeat_request(caller, ended, key_id or new_task_id(), digest)
