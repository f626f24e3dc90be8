"""Copies every generated image out of the local AWS into a folder, since the local AWS forgets them when it stops."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.clients import AwsClients
from local.event_queues import subscribe

SUCCEEDED = "Image Task Succeeded"

_QUEUE = "kiln-local-pictures"
_WAIT_SECONDS = 1


@contextlib.contextmanager
def copies_of_pictures(clients: AwsClients, bus: str, folder: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Copies images into ``folder/<task id>/`` as tasks succeed, until the block ends.

    Args:
        clients: Clients of the local AWS.
        bus: The bus of the stack.
        folder: Made if it is missing.
        report: Gets one line for each task, and for each failure. A failed copy is tried again after half a minute.
    """
    queue = subscribe(clients, bus, _QUEUE, detail_type=SUCCEEDED)
    stopping = threading.Event()

    def work() -> None:
        while not stopping.is_set():
            try:
                _copy_waiting(clients, queue, folder, report)
            except (BotoCoreError, ClientError, OSError) as error:
                report(f"Pictures could not be copied to {folder}: {error}. Kiln tries again.")
                stopping.wait(_WAIT_SECONDS)

    thread = threading.Thread(target=work, name="picture folder", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(timeout=2 * _WAIT_SECONDS)


def _copy_waiting(clients: AwsClients, queue: str, folder: Path, report: Callable[[str], None]) -> None:
    answer = clients.sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT_SECONDS, VisibilityTimeout=30
    )
    for message in answer.get("Messages", []):
        task: dict[str, Any] = json.loads(message["Body"])["detail"]["data"]
        files = [_copy(clients, image, folder / task["task_id"]) for image in task["task_result"]["images"]]
        clients.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        report(f"Task {task['task_id']} has succeeded; pictures: {', '.join(str(file) for file in files)}")


def _copy(clients: AwsClients, image: dict[str, Any], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / Path(image["key"]).name
    # A killed download leaves no half picture under the name of a whole one.
    partial = target.with_name(f".{target.name}.part")
    clients.s3.download_file(image["bucket"], image["key"], str(partial))
    partial.replace(target)
    return target
