"""The attempts at a drop: tasks of the same content in the same place, one after another, and never two at a time.

What is dropped may be told of twice, late and out of order; it may be dropped anew, and be retried over the API or by
an operator. Whoever comes, these rules say which task is meant:

- The first attempt's id is made of the content. Each further one's is made of the attempt before it, and there is none
  before that one has ended. So all of them can be found from the first, and whoever would make the next at the same
  time makes the same.
- The newest attempt is the content's: its end is the folder's answer, and what arrives in the folder asks for no other.
- When the newest has failed, a version of ``job.json`` (or of the single image) that none of the attempts was made of
  begins the next. So dropping anew what failed tries it once more, however often that is told; what runs or has
  succeeded is never begun again by a drop.
- A retry begins the next attempt, whatever came of the newest, once that has ended. The same ``Idempotency-Key`` finds
  the attempt that it began.
- The first attempt alone has the ``external_task_id``: an id is one task's.
- Each job of a list is a drop of its own, in the folder ``<folder>/<number>``.

Whoever breaks down between making an attempt and noting that the folder's answer is to be its own, notes it when it is
told again; so does everybody else who comes to the folder. The rules hold for as long as the first attempt is kept.
"""

from __future__ import annotations

from kiln.errors import TaskNotFound
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task, content_task_id


def next_id(task: Task) -> str:
    """The id of the attempt after this one."""
    # Not the task's id alone: content comes back after its tasks have expired, the first of them before the others.
    return content_task_id("attempt", task.run_id)


def all_from(task_id: str) -> list[Task]:
    """The attempts from one on, the newest last; none if that one is not there. Who has not ended is the newest."""
    attempts: list[Task] = []
    task = known(task_id)
    while task is not None:
        attempts.append(task)
        task = known(next_id(task)) if task.task_status.is_terminal else None
    return attempts


def known(task_id: str) -> Task | None:
    """The task of this id, if there is one."""
    try:
        return TaskStore().get(task_id)
    except TaskNotFound:
        return None
