"""Makes a new task of an ended one's request: what a person does with a failed task, or to have more of a good one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from kiln import aws, clock, results
from kiln.auth.callers import Caller
from kiln.errors import IdempotencyKeyReused, RetryRefused
from kiln.images.placing import place_copy
from kiln.intake import attempts
from kiln.intake.accept import admit, input_name, known_task
from kiln.intake.create import task_id_of_key
from kiln.settings import CallerSettings, InputSettings, load
from kiln.tasks.store import TaskStore
from kiln.tasks.task import KeptInput, Task, new_task_id

_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404"})


def retry(caller: Caller, either_id: str, *, idempotency_key: str | None = None) -> Task:
    """Creates a task with the same request as one of the caller's that has ended.

    The new one has no ``external_task_id``, as that is the old one's. Its stored images are copied, so that they are
    kept for as long as any new task's. A retried drop answers in the same folder of the outbox: it is tried again by
    one task at a time.

    Args:
        caller: Who is calling.
        either_id: The ended task's id, or its external id.
        idempotency_key: The same key for the same task is the same new task.

    Raises:
        TaskNotFound: This caller has no such task (1203).
        RetryRefused: It has not ended, is a drop that is being tried again, or its images are no longer kept (409).
        IdempotencyKeyReused: The key came before with another request (422).
        TooManyRequests: The caller's minute is used up (1302).
    """
    tasks = TaskStore()
    ended = tasks.find(caller.name, either_id)
    if not ended.task_status.is_terminal:
        raise RetryRefused(f"the task cannot be retried: it is {ended.task_status} and may still succeed")
    key_id = task_id_of_key(caller.name, idempotency_key)
    digest = f"retry of {ended.task_id}" if key_id else ""
    begun = known_task(tasks, key_id, digest) if key_id else None
    if ended.origin.door == "drop":
        return _next_attempt(caller, ended, key_id or "", begun)
    return begun or _made_anew(caller, ended, key_id or new_task_id(), digest)


def _next_attempt(caller: Caller, ended: Task, key_id: str, begun: Task | None) -> Task:
    """The next of a drop's attempts (*attempts* has the rules), or the one that the same key has begun."""
    later = attempts.all_from(attempts.next_id(ended))
    newest = later[-1] if later else ended
    begun = begun or next((each for each in later if key_id and each.request_digest == key_id), None)
    if begun is None and newest.task_status.is_terminal:
        task_id = attempts.next_id(newest)
        try:
            made = _made_anew(caller, ended, task_id, key_id)
        except IdempotencyKeyReused as error:
            # Somebody else has begun it meanwhile.
            raise _tried_again_already(task_id) from error
        results.expect(made, clock.milliseconds())
        return made
    # Whoever began it may have broken down before this was noted; what has been dropped since is newer.
    known = begun or newest
    results.expect(known, known.created_at)
    if begun is None:
        raise _tried_again_already(newest.task_id)
    return begun


def _tried_again_already(task_id: str) -> RetryRefused:
    return RetryRefused(f"the task cannot be retried: it is being tried again already, as {task_id}")


def _made_anew(caller: Caller, ended: Task, task_id: str, digest: str) -> Task:
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
    for kept in ended.inputs:
        _check_is_kept(kept)
    per_minute = caller.tasks_per_minute or load(CallerSettings).tasks_per_minute
    return admit(anew, lambda: [_kept_again(kept, task_id) for kept in ended.inputs], per_minute=per_minute)


def _check_is_kept(kept: KeptInput) -> None:
    """Refuses what cannot be copied before the new task has a number, so that none is left without a task."""
    if not kept.url:
        with _refused_if_gone(kept):
            aws.s3().head_object(**_source(kept))


def _kept_again(kept: KeptInput, task_id: str) -> KeptInput:
    if kept.url:
        return kept
    bucket = load(InputSettings).inputs_bucket
    key = f"{task_id}/{input_name(kept.field)}{PurePosixPath(kept.key or '').suffix}"
    with _refused_if_gone(kept):
        place_copy(bucket, key, _source(kept))
    return KeptInput(field=kept.field, bucket=bucket, key=key)


def _source(kept: KeptInput) -> Any:
    version = {"VersionId": kept.version_id} if kept.version_id else {}
    return {"Bucket": kept.bucket, "Key": kept.key, **version}


@contextmanager
def _refused_if_gone(kept: KeptInput) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if aws.error_code(error) in _GONE:
            raise RetryRefused(f"{kept.field}: is no longer kept, create a new task with the image") from error
        raise
