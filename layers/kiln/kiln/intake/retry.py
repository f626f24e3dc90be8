"""Makes a new task of an ended one's request: what a person does with a failed task, or to have more of a good one."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from kiln import aws, clock, results
from kiln.auth.callers import Caller
from kiln.errors import RetryRefused
from kiln.intake.accept import admit, input_name, known_task
from kiln.intake.create import task_id_of_key
from kiln.settings import CallerSettings, InputSettings, load
from kiln.tasks.store import TaskStore
from kiln.tasks.task import KeptInput, Task, new_task_id

_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404"})


def retry(caller: Caller, either_id: str, *, idempotency_key: str | None = None) -> Task:
    """Creates a task with the same request as one of the caller's that has ended.

    The new one has no ``external_task_id``, as that is the old one's. Its stored images are copied, so that they are
    kept for as long as any new task's. A retried drop answers in the same folder of the outbox.

    Args:
        caller: Who is calling.
        either_id: The ended task's id, or its external id.
        idempotency_key: The same key for the same task is the same new task.

    Raises:
        TaskNotFound: This caller has no such task (1203).
        RetryRefused: It has not ended, or its images are no longer kept (409).
        IdempotencyKeyReused: The key came before with another request (422).
        TooManyRequests: The caller's minute is used up (1302).
    """
    tasks = TaskStore()
    ended = tasks.find(caller.name, either_id)
    if not ended.task_status.is_terminal:
        raise RetryRefused(f"the task cannot be retried: it is {ended.task_status} and may still succeed")
    task_id = task_id_of_key(caller.name, idempotency_key)
    digest = f"retry of {ended.task_id}" if task_id else ""
    known = known_task(tasks, task_id, digest) if task_id else None
    if known is not None:
        return known
    task_id = task_id or new_task_id()
    now = clock.milliseconds()
    anew = Task(
        task_id=task_id,
        caller=caller.name,
        sequence=0,
        created_at=now,
        updated_at=now,
        model_name=ended.model_name,
        prompt=ended.prompt,
        n=ended.n,
        aspect_ratio=ended.aspect_ratio,
        watermark=ended.watermark,
        callback_url=ended.callback_url,
        origin=ended.origin,
        request_digest=digest,
    )
    per_minute = caller.tasks_per_minute or load(CallerSettings).tasks_per_minute
    retried = admit(anew, lambda: [_kept_again(kept, task_id) for kept in ended.inputs], per_minute=per_minute)
    if retried.origin.door == "drop":
        results.expect(retried, now)
    return retried


def _kept_again(kept: KeptInput, task_id: str) -> KeptInput:
    if kept.url:
        return kept
    bucket = load(InputSettings).inputs_bucket
    key = f"{task_id}/{input_name(kept.field)}{PurePosixPath(kept.key or '').suffix}"
    source: Any = {"Bucket": kept.bucket, "Key": kept.key}
    if kept.version_id:
        source["VersionId"] = kept.version_id
    try:
        aws.s3().copy_object(Bucket=bucket, Key=key, CopySource=source)
    except Exception as error:
        if aws.error_code(error) in _GONE:
            raise RetryRefused(f"{kept.field}: is no longer kept, create a new task with the image") from error
        raise
    return KeptInput(field=kept.field, bucket=bucket, key=key)
