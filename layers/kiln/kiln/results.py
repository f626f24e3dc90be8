"""``result.json`` in the outbox: how someone who dropped files is told what came of it."""

from __future__ import annotations

from kiln import aws, events
from kiln.contract.answers import Envelope, Refusal
from kiln.errors import KilnError
from kiln.settings import BucketSettings, load
from kiln.tasks.task import Task

RESULT_FILE = "result.json"


def write_result(task: Task, public_url: str) -> str:
    """Writes what *query* answers of a finished task, with the images' keys, sizes and digests.

    Returns:
        The key that was written.
    """
    answer = Envelope[events.DeliveredTask](request_id=task.task_id, data=events.delivered(task, public_url))
    return _write(task.origin.folder, answer.model_dump_json(indent=2))


def write_refusal(folder: str, error: KilnError) -> str:
    """Writes what is wrong with a drop.

    Returns:
        The key that was written.
    """
    refusal = Refusal(code=error.code, message=error.message, request_id=folder)
    return _write(folder, refusal.model_dump_json(indent=2))


def _write(folder: str, text: str) -> str:
    key = f"{folder}/{RESULT_FILE}"
    aws.s3().put_object(
        Bucket=load(BucketSettings).outbox_bucket, Key=key, Body=text.encode(), ContentType="application/json"
    )
    return key
