"""What was put aside after too many tries: counting it, and bringing it back."""

from __future__ import annotations

import json
import re
from typing import Any

from kiln_cli.failures import CommandFailed
from kiln_cli.installation import Installation

_AT_ONCE = 10
_HIDDEN_SECONDS = 60
_TASK_ID = re.compile(r"\A(?:TASK#)?(?P<task_id>[0-9a-f]{32})(?:_\d+)?(?:-again-\d+)?\Z")


def waiting(installation: Installation, output: str) -> int:
    """How many messages lie in a queue."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = installation.client("sqs").get_queue_attributes(QueueUrl=installation.output(output), AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def redrive_inbox(installation: Installation) -> int:
    """Puts the inbox's dead letters back into its queue; each is there again before it is gone here.

    Returns:
        How many.
    """
    sqs, source = installation.client("sqs"), installation.output("InboxDeadLettersUrl")
    target = installation.output("InboxQueueUrl")
    moved, there = 0, waiting(installation, "InboxDeadLettersUrl")
    # What comes back as a dead letter meanwhile is not moved in circles.
    while moved < there and (messages := _received(sqs, source)):
        for message in messages:
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved


def start_unstarted(installation: Installation) -> tuple[int, list[str]]:
    """Starts the workflows of the tasks that were put aside.

    Returns:
        How many were started, and of each of the others why it was left.
    """
    sqs, source = installation.client("sqs"), installation.output("UnstartedTasksUrl")
    left: list[str] = []
    started, seen, there = 0, 0, waiting(installation, "UnstartedTasksUrl")
    while seen < there and (messages := _received(sqs, source)):
        seen += len(messages)
        for message in messages:
            try:
                done = installation.operate("restart", task_id=task_id_of(message["Body"]))
            except CommandFailed as refused:
                left.append(str(refused))
                continue
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            # One that has gone its way meanwhile needed nothing.
            started += done["did"] != "none"
    return started, left


def task_id_of(body: str) -> str:
    """The task that a message of the queue of unstarted tasks is about.

    It is a key of the table, where an item could not be read; or what Lambda writes of an invocation that failed, here
    of a workflow that broke and could not be started again.

    Raises:
        CommandFailed: It is about none.
    """
    try:
        told: Any = json.loads(body)
        name = told.get("S") or told["requestPayload"]["detail"]["name"]
        found = _TASK_ID.match(name)
    except (ValueError, KeyError, TypeError, AttributeError):
        found = None
    if found is None:
        raise CommandFailed(f"no task is named in {body[:80]}")
    return found["task_id"]


def _received(sqs: Any, queue_url: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=_AT_ONCE, VisibilityTimeout=_HIDDEN_SECONDS, WaitTimeSeconds=1
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found
