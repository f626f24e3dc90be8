"""The dead-letter queues: counts their messages and moves them back.

The move is a loop and not SQS's ``StartMessageMoveTask``: the local AWS does not have that operation.
"""

from __future__ import annotations

import json
from typing import Any

from kiln_cli.failures import CommandFailed
from kiln_cli.operating import executions
from kiln_cli.operating.installation import Installation
from kiln_cli.operating.operations import operate

_BATCH = 10
_HIDDEN_SECONDS = 60


def waiting(installation: Installation, output: str) -> int:
    """The number of messages in the queue that an output names."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = installation.client("sqs").get_queue_attributes(QueueUrl=installation.output(output), AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)


def redrive_inbox(installation: Installation) -> int:
    """Moves the inbox's dead letters back into its queue. A message is sent there before it is deleted here.

    Returns:
        How many were moved.
    """
    sqs, source = installation.client("sqs"), installation.output("InboxDeadLettersUrl")
    target = installation.output("InboxQueueUrl")
    moved, there = 0, waiting(installation, "InboxDeadLettersUrl")
    # The count at the start ends the loop, so that a message that fails again is not moved in circles.
    while moved < there and (messages := _received(sqs, source)):
        for message in messages:
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"])
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
    return moved


def start_unstarted(installation: Installation) -> tuple[int, list[str]]:
    """Starts the workflows of the tasks in the queue of unstarted tasks.

    Returns:
        How many were started, and for each other message why it stays.
    """
    sqs, source = installation.client("sqs"), installation.output("UnstartedTasksUrl")
    left: list[str] = []
    started, seen, there = 0, 0, waiting(installation, "UnstartedTasksUrl")
    while seen < there and (messages := _received(sqs, source)):
        seen += len(messages)
        for message in messages:
            try:
                done = operate(installation, "restart", task_id=task_id_of(message["Body"]))
            except CommandFailed as refused:
                left.append(str(refused))
                continue
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            # A task that has ended meanwhile needs nothing.
            started += done["did"] != "none"
    return started, left


def task_id_of(body: str) -> str:
    """The task that a message of the queue of unstarted tasks is about.

    The message is the key of an item that could not be read, or Lambda's record of a failed invocation. The record is
    about a workflow that broke and could not be started again.

    Raises:
        CommandFailed: The message names no task.
    """
    try:
        content: Any = json.loads(body)
        found = executions.parse(
            (content.get("S") or content.get("requestPayload", content)["detail"]["name"]).removeprefix("TASK#")
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        found = None
    if found is None:
        raise CommandFailed(f"must name a task, got {body[:80]}")
    return found.task_id


def _received(sqs: Any, queue_url: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=_BATCH, VisibilityTimeout=_HIDDEN_SECONDS, WaitTimeSeconds=1
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found
