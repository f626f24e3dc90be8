"""The attempts at a drop: tasks of the same content in the same place, one after another, never two at a time.

S3 may report a drop twice, late and out of order; the drop may be uploaded again, and be retried over the API or by an
operator. These rules say which task is meant each time:

- The id of the first attempt is made of the content. The id of each further attempt is made of the attempt before it,
  once that one has ended. So all attempts can be found from the first, and two processes that begin the next attempt at
  the same time begin the same one.
- The newest attempt answers for the content: its end is the folder's answer, and files that arrive later ask for no
  other attempt.
- When the newest attempt has failed, a version of ``job.json`` (or of the single image) that no attempt was made of
  begins the next one. So uploading a failed drop again tries it once more, however often S3 reports it. An upload never
  begins again what runs or has succeeded.
- A retry begins the next attempt once the newest has ended, however it ended. The same ``Idempotency-Key`` finds the
  attempt that it began.
- Only the first attempt has the ``external_task_id``: an id belongs to one task.
- Each job of a list is a separate drop, in the folder ``<folder>/<number>``.

A process may stop between making an attempt and recording that it owns the folder's answer. The next process that
handles the drop records it. The rules hold for as long as the first attempt is stored. After that, the ledger knows
that this version of the file was made into a task, and nothing but a new version begins another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kiln.contract.request import CreateRequest
from kiln.contract.vocabulary import TaskStatus
from kiln.drops import result_file
from kiln.drops.ledger import DropLedger, Made
from kiln.errors import IdempotencyKeyReused, TaskNotFound
from kiln.intake.accept import accept
from kiln.intake.budget import budget_of
from kiln.s3 import S3Object
from kiln.settings import InboxSettings, load
from kiln.tasks.ids import content_task_id
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin, Task


def next_id(task: Task) -> str:
    """The id of the attempt after this one."""
    # The task's id alone is not enough: the content may come again after its tasks expire, the first of them first.
    return content_task_id("attempt", task.run_id)


def attempts_from(task_id: str) -> list[Task]:
    """The attempts from one on, the newest last; empty if that one is not stored. Only the newest may be unfinished."""
    attempts: list[Task] = []
    task = _stored(task_id)
    while task is not None:
        attempts.append(task)
        task = _stored(next_id(task)) if task.task_status.is_terminal else None
    return attempts


def begin_attempt(
    request: Callable[[], CreateRequest],
    content: list[str],
    origin: Origin,
    file: S3Object,
    seen_at: int,
    ignored: tuple[str, ...] = (),
) -> Task | None:
    """The task of a content: the newest attempt, or the next one if the newest failed and the drop was uploaded again.

    Args:
        request: Reads and checks the request; called only for a new task.
        content: Strings that identify the content.
        origin: Where the drop is, and which version of it was read.
        file: The file that asks for the task.
        seen_at: When the inbox was read, in milliseconds since the epoch.
        ignored: Files and metadata that the task does not use.

    Returns:
        ``None`` if this version of the file was made into a task whose record has expired.

    Raises:
        KilnError: The request breaks a limit.
    """
    task_id = content_task_id(origin.folder, *content)
    made = Made(task_id, origin.version, file.expires_at)
    attempts = attempts_from(task_id)
    task = attempts[-1] if attempts else None
    if task is None and DropLedger().was_made(origin.folder, made.content, made.version):
        return None
    if task is not None and task.task_status is TaskStatus.FAILED and _is_new_version(origin, attempts):
        task_id, task = next_id(task), None
    if task is None:
        checked = request()
        made = replace(made, ignored=(*checked.ignored, *ignored))
        task = _new_attempt(checked, origin, task_id, ignored, is_first=not attempts)
    result_file.expect(task, seen_at, made)
    return task


def _is_new_version(origin: Origin, attempts: list[Task]) -> bool:
    return origin.version not in {attempt.origin.version for attempt in attempts}


def _new_attempt(
    request: CreateRequest, origin: Origin, task_id: str, ignored: tuple[str, ...], *, is_first: bool
) -> Task:
    if not is_first:
        request = request.model_copy(update={"external_task_id": None})
    try:
        caller = load(InboxSettings).caller
        budget = budget_of(caller)
        return accept(request, caller, origin=origin, task_id=task_id, units_per_month=budget, ignored=ignored)
    except IdempotencyKeyReused:
        # A retry was faster: its task is the next attempt.
        return TaskStore().get(task_id)


def _stored(task_id: str) -> Task | None:
    try:
        return TaskStore().get(task_id)
    except TaskNotFound:
        return None
