"""Repeats the request of a task that has ended, as a new task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from kiln import aws, clock
from kiln.auth.callers import Caller, minute_limit
from kiln.contract.vocabulary import Priority
from kiln.errors import RetryRefused
from kiln.images.storage import store_copy
from kiln.images.stored import StoredInput
from kiln.intake.accept import admit, input_name
from kiln.settings import InputSettings, load
from kiln.tasks.executions import run_id
from kiln.tasks.task import Origin, Task

_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404"})


def repeat_request(caller: Caller, ended: Task, task_id: str, digest: str) -> Task:
    """Makes a new task with the same request as one that has ended.

    Args:
        caller: Who asks, and whose minute it counts against.
        ended: The task that has ended.
        task_id: The new task's id.
        digest: What a repeated ``task_id`` must come with.

    Raises:
        RetryRefused: An image is no longer stored (409).
        IdempotencyKeyReused: The ``task_id`` belongs to another request (422).
        BudgetUsedUp: The caller's units of this month are used up (1102).
        TooManyRequests: The caller's minute is used up (1302).
    """
    now = clock.milliseconds()
    repeated = Task(
        task_id=task_id,
        run_id=run_id(task_id, now),
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
        callback_statuses=ended.callback_statuses,
        # A retried job is no part of its batch: that may have finished.
        origin=ended.origin if ended.origin.channel == "drop" else Origin(channel=ended.origin.channel),
        request_digest=digest,
        priority=Priority.LOW.value if ended.is_low or caller.priority is Priority.LOW else "",
    )
    for stored in ended.inputs:
        _check_is_stored(stored)
    return admit(
        repeated,
        lambda: [_stored_again(stored, task_id) for stored in ended.inputs],
        per_minute=minute_limit(caller),
        units_per_month=caller.units_per_month,
    )


def _check_is_stored(stored: StoredInput) -> None:
    """Refuses an image that cannot be copied before the new task has a number, so that no number is left unused."""
    if not stored.url:
        with _refused_if_gone(stored):
            aws.s3().head_object(**_source(stored))


def _stored_again(stored: StoredInput, task_id: str) -> StoredInput:
    if stored.url:
        return stored
    bucket = load(InputSettings).inputs_bucket
    key = f"{task_id}/{input_name(stored.field)}{PurePosixPath(stored.key or '').suffix}"
    with _refused_if_gone(stored):
        store_copy(bucket, key, _source(stored))
    return StoredInput(field=stored.field, bucket=bucket, key=key)


def _source(stored: StoredInput) -> Any:
    version = {"VersionId": stored.version_id} if stored.version_id else {}
    return {"Bucket": stored.bucket, "Key": stored.key, **version}


@contextmanager
def _refused_if_gone(stored: StoredInput) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if aws.error_code(error) in _GONE:
            raise RetryRefused(f"{stored.field}: is no longer stored, create a new task with the image") from error
        raise
