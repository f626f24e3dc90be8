"""Releasing a task's slots and waking the next tasks; and ``ReleaseSlots``, the way out of a task that broke."""

from __future__ import annotations

from kiln.contract.vocabulary import IMAGES_PER_TASK
from kiln.errors import TaskNotFound
from kiln.slots.store import Slots
from kiln.tasks.store import TaskStore
from kiln.tasks.wake_up import wake
from kiln.workflow.outcomes import Outcome, StepResult, ended


def release(
    task_id: str, fault: str | None = None, *, tasks: TaskStore | None = None, slots: Slots | None = None
) -> StepResult:
    """Ends a task whose workflow could not continue, and releases its slots. Repeating it is harmless.

    Args:
        task_id: The task.
        fault: Why its workflow could not continue.
        tasks: The task store.
        slots: The slots.
    """
    tasks = tasks or TaskStore()
    release_and_wake(task_id, tasks=tasks, slots=slots)
    try:
        task = tasks.get(task_id)
    except TaskNotFound:
        return StepResult(outcome=Outcome.GONE)
    if not task.task_status.is_terminal:
        reason = f"Kiln could not continue the task: {fault or 'no reason is known'}"
        task = tasks.fail(task, reason) or tasks.get(task_id)
    return ended(task)


def release_and_wake(
    task_id: str,
    n: int = IMAGES_PER_TASK[1],
    *,
    is_queued: bool = False,
    tasks: TaskStore | None = None,
    slots: Slots | None = None,
) -> int:
    """Releases a task's slots, hands them over and wakes the tasks that get them.

    Args:
        task_id: The task that leaves.
        n: How many slots it may hold; 0 to hand free slots over without a release.
        is_queued: Whether the task is back in the queue, and may get other slots.
        tasks: The task store.
        slots: The slots.

    Returns:
        How many waiting tasks were handed slots and woken.
    """
    tasks, slots = tasks or TaskStore(), slots or Slots()
    woken = 0
    handed = slots.release(task_id, n, is_queued=is_queued)
    while handed:
        waiting = handed.pop(0)
        try:
            # A workflow that was parked continues, so its task is not read on the usual way.
            can_continue = wake(waiting, tasks=tasks) or not tasks.has_ended(waiting)
        except TaskNotFound:
            can_continue = False
        woken += can_continue
        if not can_continue:
            # The index lagged behind, or the record expired: its slots go to the tasks after it.
            handed += slots.release(waiting, IMAGES_PER_TASK[1])
    return woken


def release_ended(*, tasks: TaskStore | None = None, slots: Slots | None = None) -> int:
    """Releases what tasks hold that have ended or are no longer stored.

    A task that has just ended is about to release its slots itself; releasing them here first loses nothing.

    Returns:
        How many waiting tasks were handed slots and woken.
    """
    tasks, slots = tasks or TaskStore(), slots or Slots()
    ended_holders = [holder for holder in slots.state().tasks if tasks.has_ended(holder)]
    return sum(release_and_wake(holder, tasks=tasks, slots=slots) for holder in ended_holders)
