"""The step ``ReleaseSlots``, the way out of every task, and the two hand-overs of slots before it."""

from __future__ import annotations

from pydantic import BaseModel

from kiln import clock, events, metrics
from kiln.contract.vocabulary import IMAGES_PER_TASK
from kiln.errors import TaskNotFound
from kiln.settings import AddressSettings, load
from kiln.slots.store import Slots
from kiln.tasks.store import TaskStore
from kiln.tasks.wake_up import wake


class Ending(BaseModel, defer_build=True):
    """What is left to do for a finished task.

    Attributes:
        event: What to publish.
        to_notify: Whether there is a receiver besides the bus.
        woken: How many waiting tasks were handed slots and woken.
    """

    event: events.BusEntry
    to_notify: bool
    woken: int


def release(
    task_id: str, fault: str | None = None, *, tasks: TaskStore | None = None, slots: Slots | None = None
) -> Ending:
    """Releases the slots of a task that has ended and wakes the next tasks. Repeating it is harmless.

    Args:
        task_id: The task.
        fault: Why its workflow could not continue, if it could not: a task that has not ended then fails.
        tasks: The task store.
        slots: The slots.
    """
    tasks = tasks or TaskStore()
    task = tasks.get(task_id)
    if not task.task_status.is_terminal:
        reason = f"Kiln could not continue the task: {fault or 'no reason is known'}"
        task = tasks.fail(task, reason) or tasks.get(task_id)
    woken = _release_and_wake(task_id, task.n, tasks, slots or Slots())
    return Ending(
        event=events.status_event(task, load(AddressSettings).public_url),
        to_notify=bool(task.callback_url) or task.origin.channel == "drop",
        woken=woken,
    )


def hand_over(task_id: str, *, tasks: TaskStore | None = None, slots: Slots | None = None) -> int:
    """Releases the slots of a task whose images cannot be copied yet: the provider is done with it.

    Returns:
        How many waiting tasks were handed slots and woken.
    """
    tasks = tasks or TaskStore()
    return _release_and_wake(task_id, tasks.get(task_id).n, tasks, slots or Slots())


def reconcile(*, tasks: TaskStore | None = None, slots: Slots | None = None) -> int:
    """Checks that the slots match the tasks: releases what ended tasks still hold, and hands free slots over.

    Returns:
        How many waiting tasks were handed slots and woken.
    """
    tasks, slots = tasks or TaskStore(), slots or Slots()
    woken = 0
    for holder in slots.state().tasks:
        # A task that has ended has released its slots or is about to; releasing them here first loses nothing.
        if not is_running(holder, tasks):
            woken += _release_and_wake(holder, IMAGES_PER_TASK[1], tasks, slots)
    return woken + _release_and_wake("", 0, tasks, slots)


def measure_waiting(task_id: str, *, tasks: TaskStore | None = None) -> None:
    """Measures how long a task has waited in the queue, while it still waits."""
    task = (tasks or TaskStore()).get(task_id)
    if task.is_waiting:
        metrics.record(metrics.OLDEST_WAITING, (clock.milliseconds() - task.created_at) / 1_000)


def is_running(task_id: str, tasks: TaskStore) -> bool:
    """Whether a task is stored and has not ended."""
    try:
        return not tasks.get(task_id).task_status.is_terminal
    except TaskNotFound:
        return False


def _release_and_wake(task_id: str, n: int, tasks: TaskStore, slots: Slots) -> int:
    woken = 0
    handed = slots.release(task_id, n)
    while handed:
        waiting = handed.pop(0)
        try:
            can_continue = is_running(waiting, tasks)
            if can_continue:
                wake(waiting, tasks=tasks)
        except TaskNotFound:
            can_continue = False
        woken += can_continue
        if not can_continue:
            # The index lagged behind, or the record expired: its slots go to the tasks after it.
            handed += slots.release(waiting, IMAGES_PER_TASK[1])
    return woken
