"""``kiln retry``: repeats an ended task's request as a new task."""

from __future__ import annotations

from pathlib import Path

from kiln_cli.pictures.arguments import IdempotencyKey, NoWait, Output, TaskId, Timeout
from kiln_cli.pictures.follow import check_folder
from kiln_cli.pictures.new_task import follow_or_print, hint_to_repeat, key_or_new
from kiln_cli.pictures.session import Session


def retry(
    session: Session,
    task_id: TaskId,
    output: Output = Path(),
    no_wait: NoWait = False,
    timeout: Timeout = None,
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Repeat an ended task's request as a new task.

    Use it after a failure, or for more images of the same kind.
    """
    key = key_or_new(idempotency_key)
    with session.kiln() as kiln:
        if not no_wait:
            check_folder(output)
        with hint_to_repeat(key):
            task = kiln.retry(task_id, idempotency_key=key)
        follow_or_print(session, kiln, task, output, no_wait=no_wait, timeout=timeout)
