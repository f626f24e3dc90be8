"""Deletes a task that has ended: its images, inputs, prompt and links, for good."""

from __future__ import annotations

from kiln import s3
from kiln.deletion_events import publish_deletion
from kiln.errors import DeleteRefused, TaskNotFound
from kiln.settings import BucketSettings, InputSettings, load
from kiln.tasks.deletions import Deletions
from kiln.tasks.task import Task


def delete(caller: str, either_id: str, *, tasks: Deletions | None = None) -> Task:
    """Deletes one of a caller's tasks, or completes a deletion that has stopped halfway.

    The task is a tombstone first, so its links stop at once. A dropped original stays in the inbox.

    Returns:
        The tombstone.

    Raises:
        TaskNotFound: This caller has no such task, or its deletion is complete (1203).
        DeleteRefused: It has not ended (409).
    """
    tasks = tasks or Deletions()
    task = tasks.find_with_deleted(caller, either_id)
    if not task.task_status.is_terminal:
        message = f"the task cannot be deleted: it is {task.task_status}; cancel it, or wait for its end"
        raise DeleteRefused(message)
    if not task.deleted_at:
        # Another request may have begun at the same time: its tombstone is completed.
        task = tasks.begin(task) or tasks.get(task.task_id)
    elif not task.is_deleting:
        raise TaskNotFound(either_id)
    outbox = load(BucketSettings).outbox_bucket
    if task.origin.channel == "drop":
        from kiln.drops.result_file import delete_result  # noqa: PLC0415 - for drops alone

        delete_result(task)
    s3.delete_files(outbox, f"{task.result_prefix}/")
    s3.delete_files(load(InputSettings).inputs_bucket, f"{task.task_id}/", below=True)
    publish_deletion(task)
    tasks.finish(task.task_id)
    return task
