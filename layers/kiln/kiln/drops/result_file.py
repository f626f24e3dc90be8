"""``result.json`` in the outbox: how someone who dropped files is told what came of it.

Of a folder with a list of jobs each job has its own in ``<folder>/<number>/``, and once all have,
``<folder>/result.json`` holds them together.
"""

from __future__ import annotations

import json

from kiln import aws, clock, events
from kiln.contract.answers import Envelope, Refusal
from kiln.drops.ledger import REFUSED, DropLedger
from kiln.errors import KilnError
from kiln.settings import AddressSettings, BucketSettings, load
from kiln.tasks.task import Origin, Task

RESULT_FILE = "result.json"

_GONE = frozenset({"NoSuchKey", "AccessDenied"})
"""What S3 answers for an object that is not there: the latter to those who may not list the bucket."""

_TOLD_MS = 60_000
"""So long after its end a task's answer has been written, or its notification is in trouble."""


def expect(task: Task, seen_at: int) -> None:
    """Notes that the folder's ``result.json`` is this task's to write, whichever of its tasks ends last.

    One that has ended has its answer put back in place of what may have come since, unless newer content has been seen.
    """
    if DropLedger().expect(task.origin.folder, task.task_id, seen_at) and task.task_status.is_terminal:
        _restore(task)


def expect_list(folder: str, batch: str, parts: int, seen_at: int) -> None:
    """Notes that the folder's own ``result.json`` is to hold this list's answers together, and no older list's."""
    DropLedger().expect(folder, batch, seen_at, parts=parts)


def write_result(task: Task, public_url: str) -> bool:
    """Writes what *query* answers of a finished task, with the images' keys, sizes and digests.

    It is written beside the task's images, and as the folder's own unless newer content has been dropped there since.

    Returns:
        Whether it became the folder's own.
    """
    text = _answer(task, public_url)
    _put(task.result_prefix, text)
    if not DropLedger().is_newest(task.origin.folder, task.task_id):
        return False
    _write(task.origin, text)
    return True


def _answer(task: Task, public_url: str) -> str:
    answer = Envelope[events.DeliveredTask](request_id=task.task_id, data=events.delivered(task, public_url))
    return answer.model_dump_json(indent=2, exclude_none=True)


def _restore(task: Task) -> None:
    text = _get(task.result_prefix)
    if text is None:
        if clock.milliseconds() - task.updated_at < _TOLD_MS:
            return  # Its notification is still on the way and will write both.
        # It was deleted, or has expired. Who takes drops may not know the API's address: links then begin behind it.
        text = _answer(task, load(AddressSettings).public_url)
    _write(task.origin, text)


def write_refusal(origin: Origin, error: KilnError, seen_at: int) -> None:
    """Writes what is wrong with a drop, unless newer content has been seen there."""
    if not DropLedger().expect(origin.folder, REFUSED, seen_at):
        return
    refusal = Refusal(code=error.code, message=error.message, request_id=origin.folder)
    _write(origin, refusal.model_dump_json(indent=2))


def _write(origin: Origin, text: str) -> None:
    _put(origin.folder, text)
    if origin.parts:
        _put_together(origin)


def _put_together(origin: Origin) -> None:
    """Writes the answer to a list of jobs if this was the last of them: of the list that the folder holds now.

    A job may be another list's, too: where it stands in the list that it came with is no matter.
    """
    folder = origin.folder.rpartition("/")[0]
    batch, parts = DropLedger().list_of(folder) or (origin.batch, origin.parts)
    if origin.part > parts or not DropLedger().end_part(batch, origin.part, parts):
        return
    answers = [_get(f"{folder}/{part}") for part in range(1, parts + 1)]
    jobs = [json.loads(answer) for answer in answers if answer is not None]
    if len(jobs) == parts:  # One that was deleted is written when the folder is dropped again, and this with it.
        envelope = {"code": 0, "message": "SUCCEED", "request_id": batch, "data": jobs}
        _put(folder, json.dumps(envelope, indent=2, ensure_ascii=False))


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
