"""The step ``ReleaseSlot``, the way out of every task: its slots go back, the next is woken, its end is told."""

from __future__ import annotations

from pydantic import BaseModel

from kiln import events
from kiln.contract.vocabulary import IMAGES_PER_TASK
from kiln.errors import TaskNotFound
from kiln.settings import AddressSettings, load
from kiln.slots import Slots
from kiln.tasks.store import TaskStore
from kiln.waking import wake


class Ending(BaseModel):
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


def tend_line(task_id: str, *, tasks: TaskStore | None = None, slots: Slots | None = None) -> int:
    """Hands out what is free, on behalf of a task that has stood in line for long: the net below every hand-over.

    Returns:
        How many waiting tasks were handed their slots.
    """
    return _wake_next(task_id, 0, tasks or TaskStore(), slots or Slots())


def _wake_next(task_id: str, n: int, tasks: TaskStore, slots: Slots) -> int:
    woken = 0
    next_in_line = slots.release(task_id, n)
    while next_in_line:
        waiting = next_in_line.pop(0)
        try:
            wake(waiting, tasks=tasks)
            woken += 1
        except TaskNotFound:
            # Its record expired while it stood in line: what it was handed goes to whoever comes after it.
            next_in_line += slots.release(waiting, IMAGES_PER_TASK[1])
    return woken
