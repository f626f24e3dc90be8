"""Deletes every task of a caller that has ended, for an operator; as many at once as an invocation has time for."""

from __future__ import annotations

import contextlib
import time
from itertools import chain

from pydantic import BaseModel, ConfigDict, Field

from kiln.contract.vocabulary import TaskStatus
from kiln.deletion import delete
from kiln.errors import TaskNotFound
from kiln.tasks.deletions import Deletions

SECONDS = 15
"""No task is begun after so many seconds; the function has 30."""

NAMED = 100
"""So many tasks that have not ended are named."""

_PAGE = 25
_ENDED = (TaskStatus.SUCCEED, TaskStatus.FAILED)
_RUNNING = (TaskStatus.SUBMITTED, TaskStatus.PROCESSING)


class ErasureRequest(BaseModel):
    """An operator's request to delete the tasks of a caller."""

    model_config = ConfigDict(extra="forbid")

    erase: str = Field(description="The caller's name", min_length=1, max_length=128)
    dry_run: bool = False


class Erasure(BaseModel):
    """The outcome of one invocation.

    Attributes:
        deleted: How many tasks were deleted.
        left: How many tasks that have ended are left, by an index that is a moment old.
        waiting: The ids of tasks that wait in the queue, up to 100.
        running: The ids of tasks that have slots, up to 100.
    """

    deleted: int = 0
    left: int = 0
    waiting: list[str] = Field(default_factory=list)
    running: list[str] = Field(default_factory=list)


def erase(asked: ErasureRequest, *, seconds: float = SECONDS) -> Erasure:
    """Deletes tasks of a caller until the time is over, and says what is left. Repeating it continues.

    Deletions that have stopped halfway are completed first.

    Args:
        asked: The caller; with ``dry_run`` its tasks are counted alone.
        seconds: No task is begun later.
    """
    tasks = Deletions()
    done = Erasure()
    if not asked.dry_run:
        done.deleted = _delete(asked.erase, tasks, time.monotonic() + seconds)
    done.left = sum(tasks.count(asked.erase, status) for status in _ENDED) + len(tasks.begun(asked.erase))
    for task_id in chain.from_iterable(tasks.listed(asked.erase, status, most=NAMED) for status in _RUNNING):
        with contextlib.suppress(TaskNotFound):
            task = tasks.get(task_id)
            if not task.task_status.is_terminal:
                (done.waiting if task.is_waiting else done.running).append(task_id)
    return done


def _delete(caller: str, tasks: Deletions, ends_at: float) -> int:
    deleted, seen = 0, set[str]()
    while True:
        listed = chain(tasks.begun(caller), *(tasks.listed(caller, status, most=_PAGE) for status in _ENDED))
        # The index still has what was deleted a moment ago.
        page = [task_id for task_id in listed if task_id not in seen]
        if not page:
            return deleted
        for task_id in page:
            if time.monotonic() >= ends_at:
                return deleted
            seen.add(task_id)
            with contextlib.suppress(TaskNotFound):
                delete(caller, task_id, tasks=tasks)
                deleted += 1
