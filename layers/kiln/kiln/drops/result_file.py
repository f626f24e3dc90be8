"""``result.json`` in the outbox: the answer to someone who dropped files.

Of a folder with a list of jobs each job has its own in ``<folder>/<number>/``, and once all have,
``<folder>/result.json`` holds them together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kiln import aws, clock, events, s3
from kiln.contract.answers import DeletedTask
from kiln.contract.envelope import Envelope, Refusal
from kiln.contract.vocabulary import TaskStatus
from kiln.drops.ledger import REFUSED, DropLedger, Made
from kiln.drops.names import JOB_FILE
from kiln.errors import KilnError
from kiln.settings import AddressSettings, BucketSettings, load
from kiln.tasks.batches import Batches
from kiln.tasks.task import Origin, Task
from kiln.tasks.views import deleted_view

RESULT_FILE = "result.json"

FAILED = 5000
"""The code above the answer of a task that failed; the message has the reason."""

_GONE = frozenset({"NoSuchKey", "AccessDenied"})
"""S3's codes for an object that is not there: the latter where the bucket may not be listed."""

_WRITTEN_MS = 60_000
"""So long after its end a task's answer has been written, or its notification is in trouble."""


class _TaskAnswer(Envelope[events.DeliveredTask], defer_build=True):
    ignored: list[str] | None = None


def expect(task: Task, seen_at: int, made: Made | None = None) -> None:
    """Notes that the folder's ``result.json`` is this task's to write, whichever of its tasks ends last.

    If the task has ended, its answer replaces a later one, unless newer content has been seen.

    Args:
        task: The newest attempt.
        seen_at: When the inbox was read, in milliseconds since the epoch.
        made: The content that the task was made of; ``None`` for a retry, which leaves it as it is.
    """
    is_newest = DropLedger().expect(task.origin.folder, task.task_id, seen_at, made=made)
    if is_newest and task.task_status.is_terminal and not task.deleted_at:
        _restore(task)


def expect_list(folder: str, made: Made, parts: int, seen_at: int) -> None:
    """Notes that the folder's own ``result.json`` is to hold this list's answers together, and no older list's."""
    DropLedger().expect(folder, made.content, seen_at, parts=parts, made=made)


def write_result(task: Task, public_url: str) -> bool:
    """Writes what *query* answers of a finished task, with the images' keys, sizes and digests.

    It is written beside the task's images, and as the folder's own unless newer content has been dropped there since.

    Returns:
        Whether it became the folder's own.
    """
    is_newest, ignored = DropLedger().answer_of(task.origin.folder, task.task_id)
    text = _answer(task, public_url, ignored)
    _put(task.result_prefix, text)
    if is_newest:
        _write(task.origin, text)
    return is_newest


def delete_result(task: Task) -> None:
    """Deletes the folder's ``result.json`` if it is this task's; in a list of jobs, it says that the task was deleted.

    Args:
        task: The tombstone.
    """
    folder = task.origin.folder
    text = _get(folder)
    # If there is none, the notification of the task is on the way. It finds the tombstone and writes nothing.
    owner = json.loads(text).get("request_id") if text else None
    if owner != task.task_id and (text or not DropLedger().is_newest(folder, task.task_id)):
        return
    if not task.origin.parts:
        s3.delete_files(load(BucketSettings).outbox_bucket, f"{folder}/{RESULT_FILE}")
        return
    code = FAILED if task.task_status is TaskStatus.FAILED else 0
    tombstone = Envelope[DeletedTask](
        code=code, message="the task was deleted", request_id=task.task_id, data=deleted_view(task)
    )
    _write(task.origin, tombstone.model_dump_json(indent=2, exclude_none=True))


def _answer(task: Task, public_url: str, ignored: list[str]) -> str:
    failed = {"code": FAILED, "message": task.task_status_msg or "the task failed"}
    answer = _TaskAnswer(
        **(failed if task.task_status is TaskStatus.FAILED else {}),
        request_id=task.task_id,
        ignored=ignored or None,
        data=events.delivered(task, public_url),
    )
    return answer.model_dump_json(indent=2, exclude_none=True)


def _restore(task: Task) -> None:
    text = _get(task.result_prefix)
    if text is None:
        if clock.milliseconds() - task.updated_at < _WRITTEN_MS:
            return  # Its notification is still on the way and will write both.
        # It was deleted, or has expired. This function may not know the API's address: links then begin behind it.
        text = _answer(task, load(AddressSettings).public_url, [])
    _write(task.origin, text)


def write_refusal(origin: Origin, error: KilnError, seen_at: int, *, job: Mapping[str, Any] | None = None) -> None:
    """Writes what is wrong with a drop, unless newer content has been seen there.

    Args:
        origin: Where the drop is.
        error: What is wrong with it.
        seen_at: When the inbox was read, in milliseconds since the epoch.
        job: A ``job.json`` that would do, to copy from.
    """
    if not DropLedger().expect(origin.folder, REFUSED, seen_at):
        return
    refusal = Refusal(code=error.code, message=error.message, request_id=origin.folder)
    answer = refusal.model_dump(mode="json") | ({JOB_FILE: job} if job else {})
    _write(origin, json.dumps(answer, indent=2, ensure_ascii=False))


def _write(origin: Origin, text: str) -> None:
    _put(origin.folder, text)
    if origin.parts:
        _put_together(origin)


def _put_together(origin: Origin) -> None:
    """Writes the answer to a list of jobs if this was the last of them: of the list that the folder holds now.

    A job may be another list's, too: its number in the list that it arrived with does not matter.
    """
    folder = origin.folder.rpartition("/")[0]
    batch, parts = DropLedger().list_of(folder) or (origin.batch, origin.parts)
    if origin.part > parts:
        return
    has_ended = DropLedger().end_part(batch, origin.part, parts)
    Batches().end_job(batch, origin.part)
    if not has_ended:
        return
    answers = [_get(f"{folder}/{part}") for part in range(1, parts + 1)]
    jobs = [json.loads(answer) for answer in answers if answer is not None]
    if len(jobs) == parts:  # One that was deleted is written when the folder is dropped again, and this with it.
        code, message = _together(jobs)
        envelope = {"code": code, "message": message, "request_id": batch, "data": jobs}
        _put(folder, json.dumps(envelope, indent=2, ensure_ascii=False))


def _together(jobs: list[dict[str, Any]]) -> tuple[int, str]:
    """The code and message above the answers of a list: success only if every job has succeeded."""
    failed = [str(part) for part, job in enumerate(jobs, start=1) if job["code"] != 0]
    if not failed:
        return 0, "SUCCEED"
    code = next(int(job["code"]) for job in jobs if job["code"] != 0)
    return code, f"{len(failed)} of {len(jobs)} jobs have failed: number {', '.join(failed)}; data says why"


def _put(folder: str, text: str) -> None:
    aws.s3().put_object(
        Bucket=load(BucketSettings).outbox_bucket,
        Key=f"{folder}/{RESULT_FILE}",
        Body=text.encode(),
        ContentType="application/json",
    )


def _get(folder: str) -> str | None:
    try:
        answer = aws.s3().get_object(Bucket=load(BucketSettings).outbox_bucket, Key=f"{folder}/{RESULT_FILE}")
    except Exception as error:
        if aws.error_code(error) in _GONE:
            return None
        raise
    return answer["Body"].read().decode()
