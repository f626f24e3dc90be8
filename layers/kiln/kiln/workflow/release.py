"""The step ``ReleaseSlot``, the way out of every task: its slots go back, the next is woken, its end is told."""

from __future__ import annotations

from pydantic import BaseModel

from kiln import clock, events, metrics
from kiln.contract.vocabulary import IMAGES_PER_TASK
from kiln.errors import TaskNotFound
from kiln.settings import AddressSettings, load
from kiln.slots import Slots
from kiln.tasks.store import TaskStore
from kiln.waking import wake


class Ending(BaseModel, defer_build=True):
    """What is left to do for a finished task.

    Attributes:
        announcement: What to publish.
        to_notify: Whether someone beside the bus is to be told.
        woken: How many waiting tasks were handed their slots.
    """

    announcement: events.Announcement
    to_notify: bool
    woken: int


def release(
    task_id: str, fault: str | None = None, *, tasks: TaskStore | None = None, slots: Slots | None = None
) -> Ending:
    """Ends a task's run at the provider. Repeating it is harmless.

    Args:
        task_id: Of the task.
        fault: Why its workflow could not go on, when it did not come here by itself: a task that has not ended fails.
        tasks: The task store.
        slots: The slots.
    """
    tasks = tasks or TaskStore()
    task = tasks.get(task_id)
    if not task.task_status.is_terminal:
        task = tasks.fail(task, f"Kiln could not go on with the task: {fault or 'no reason is known'}") or tasks.get(
            task_id
        )
    woken = _wake_next(task_id, task.n, tasks, slots or Slots())
    return Ending(
        announcement=events.announcement(task, load(AddressSettings).public_url),
        to_notify=bool(task.callback_url) or task.origin.door == "drop",
        woken=woken,
    )


def hand_on(task_id: str, *, tasks: TaskStore | None = None, slots: Slots | None = None) -> int:
    """Gives the slots of a task back whose images do not come: the provider is done with it, and others may go on.

    Returns:
        How many waiting tasks were handed their slots.
    """
    tasks = tasks or TaskStore()
    return _wake_next(task_id, tasks.get(task_id).n, tasks, slots or Slots())


def tend_line(*, tasks: TaskStore | None = None, slots: Slots | None = None) -> int:
    """Hands out what is free, on behalf of whoever has stood in line for long: the net below every hand-over.

    Slots of tasks that have ended, or are no longer known, are given back first.

    Returns:
        How many waiting tasks were handed their slots.
    """
    tasks, slots = tasks or TaskStore(), slots or Slots()
    woken = 0
    for holder in slots.state().tasks:
        # Who has ended has left through ReleaseSlot or is about to; either way nothing is lost by going ahead.
        if not goes_on(holder, tasks):
            woken += _wake_next(holder, IMAGES_PER_TASK[1], tasks, slots)
    return woken + _wake_next("", 0, tasks, slots)


def still_waiting(task_id: str, *, tasks: TaskStore | None = None) -> None:
    """Measures how long a task has stood in line, if it still does: what its turn alone would tell too late."""
    task = (tasks or TaskStore()).get(task_id)
    if task.is_waiting:
        metrics.record(metrics.OLDEST_WAITING, (clock.milliseconds() - task.created_at) / 1_000)


def _wake_next(task_id: str, n: int, tasks: TaskStore, slots: Slots) -> int:
    woken = 0
    next_in_line = slots.release(task_id, n)
    while next_in_line:
        waiting = next_in_line.pop(0)
        try:
            is_on_its_way = goes_on(waiting, tasks)
            if is_on_its_way:
                wake(waiting, tasks=tasks)
        except TaskNotFound:
            is_on_its_way = False
        woken += is_on_its_way
        if not is_on_its_way:
            # The index lagged behind, or the record expired: what it was handed goes to whoever comes after it.
            next_in_line += slots.release(waiting, IMAGES_PER_TASK[1])
    return woken


def goes_on(task_id: str, tasks: TaskStore) -> bool:
    """Whether a task has its way through ReleaseSlot still before it."""
    try:
        return not tasks.get(task_id).task_status.is_terminal
    except TaskNotFound:
        return False
