"""Retries a drop: begins the next of its attempts, which answers in the same folder of the outbox."""

from __future__ import annotations

from kiln import clock
from kiln.auth.callers import Caller
from kiln.drops import result_file
from kiln.drops.attempts import attempts_from, next_id
from kiln.errors import IdempotencyKeyReused, RetryRefused
from kiln.intake.retry import repeat_request
from kiln.tasks.task import Task


def retry_drop(caller: Caller, ended: Task, key_id: str, begun: Task | None) -> Task:
    """Begins the next attempt of a drop, or finds the one that the same key has begun.

    Args:
        caller: Who asks.
        ended: An attempt that has ended.
        key_id: The task id that the ``Idempotency-Key`` stands for, or an empty string.
        begun: The task that the key has begun, where it was no attempt of this drop.

    Raises:
        RetryRefused: Another attempt runs already, or the images are no longer stored (409).
    """
    later = attempts_from(next_id(ended))
    newest = later[-1] if later else ended
    begun = begun or next((each for each in later if key_id and each.request_digest == key_id), None)
    if begun is None and newest.task_status.is_terminal:
        task_id = next_id(newest)
        try:
            attempt = repeat_request(caller, ended, task_id, key_id)
        except IdempotencyKeyReused as error:
            # Another process has begun it in the meantime.
            raise _already_retried(task_id) from error
        result_file.expect(attempt, clock.milliseconds())
        return attempt
    # The process that began it may have stopped before this was recorded; what was dropped since then is newer.
    known = begun or newest
    result_file.expect(known, known.created_at)
    if begun is None:
        raise _already_retried(newest.task_id)
    return begun


def _already_retried(task_id: str) -> RetryRefused:
    return RetryRefused(f"the task cannot be retried: another attempt runs already, task {task_id}")
