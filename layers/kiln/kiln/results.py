"""``result.json`` in the outbox: how someone who dropped files is told what came of it.

Of a folder with a list of jobs each job has its own in ``<folder>/<number>/``, and once all have,
``<folder>/result.json`` holds them together.
"""

from __future__ import annotations

import json

from kiln import aws, events
from kiln.contract.answers import Envelope, Refusal
from kiln.errors import KilnError
from kiln.settings import BucketSettings, load
from kiln.tasks.drops import REFUSED, DropLedger
from kiln.tasks.task import Origin, Task

RESULT_FILE = "result.json"


def expect(task: Task, seen_at: int) -> None:
    """Notes that the folder's ``result.json`` is this task's to write, whichever of its tasks ends last."""
    DropLedger().expect(task.origin.folder, task.task_id, seen_at)


def write_result(task: Task, public_url: str) -> bool:
    """Writes what *query* answers of a finished task, with the images' keys, sizes and digests.

    It is written beside the task's images, and as the folder's own unless newer content has been dropped there since.

    Returns:
        Whether it became the folder's own.
    """
    answer = Envelope[events.DeliveredTask](request_id=task.task_id, data=events.delivered(task, public_url))
    text = answer.model_dump_json(indent=2, exclude_none=True)
    _put(task.result_prefix, text)
    if not DropLedger().is_newest(task.origin.folder, task.task_id):
        return False
    _write(task.origin, text)
    return True


def restore(task: Task) -> None:
    """Makes a finished task's answer the folder's own again, if it has been written already."""
    try:
        text = _get(task.result_prefix).decode()
    except Exception as error:
        if aws.error_code(error) in ("NoSuchKey", "AccessDenied"):
            return  # Its notification is still on the way and will write both.
        raise
    _write(task.origin, text)


def write_refusal(origin: Origin, error: KilnError, seen_at: int) -> None:
    """Writes what is wrong with a drop, unless newer content has been seen there."""
    if not DropLedger().expect(origin.folder, REFUSED, seen_at):
        return
    refusal = Refusal(code=error.code, message=error.message, request_id=origin.folder)
    _write(origin, refusal.model_dump_json(indent=2))


def _write(origin: Origin, text: str) -> None:
    _put(origin.folder, text)
    if origin.parts and DropLedger().end_part(origin.batch, origin.part, origin.parts):
        folder = origin.folder.rpartition("/")[0]
        jobs = [json.loads(_get(f"{folder}/{part}")) for part in range(1, origin.parts + 1)]
        _put(
            folder,
            json.dumps(
                {"code": 0, "message": "SUCCEED", "request_id": origin.batch, "data": jobs},
                indent=2,
                ensure_ascii=False,
            ),
        )


def _put(folder: str, text: str) -> None:
    aws.s3().put_object(
        Bucket=load(BucketSettings).outbox_bucket,
        Key=f"{folder}/{RESULT_FILE}",
        Body=text.encode(),
        ContentType="application/json",
    )


def _get(folder: str) -> bytes:
    answer = aws.s3().get_object(Bucket=load(BucketSettings).outbox_bucket, Key=f"{folder}/{RESULT_FILE}")
    return answer["Body"].read()
