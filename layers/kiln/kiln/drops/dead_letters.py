"""The inbox queue's dead letters: they are taken up again by themselves, a few times, and then stay for an operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiln import aws
from kiln.settings import DeadLetterSettings, load

PAUSES_SECONDS = (60, 300, 900)
"""How long a message rests before each of its rounds. A round is five attempts; a slow minute is over by then."""

_BATCHES = 5
_BATCH = 10
_HIDDEN_SECONDS = 45
"""A run sees a message that stays once; the next run, a minute later, sees it again."""

_ROUNDS = "rounds"


def take_up() -> int:
    """Sends dead letters back to the inbox queue. A message is sent there before it is deleted here.

    Returns:
        How many were sent. A message that has had its rounds stays.
    """
    sqs, settings = aws.sqs(), load(DeadLetterSettings)
    sent = 0
    for _ in range(_BATCHES):
        answer = sqs.receive_message(
            QueueUrl=settings.dead_letters_url,
            MaxNumberOfMessages=_BATCH,
            MessageAttributeNames=[_ROUNDS],
            VisibilityTimeout=_HIDDEN_SECONDS,
        )
        messages = answer.get("Messages", [])
        for message in messages:
            rounds = _rounds_of(message)
            if rounds >= len(PAUSES_SECONDS):
                continue
            sqs.send_message(
                QueueUrl=settings.queue_url,
                MessageBody=message["Body"],
                DelaySeconds=PAUSES_SECONDS[rounds],
                MessageAttributes={_ROUNDS: {"DataType": "Number", "StringValue": str(rounds + 1)}},
            )
            sqs.delete_message(QueueUrl=settings.dead_letters_url, ReceiptHandle=message["ReceiptHandle"])
            sent += 1
        if len(messages) < _BATCH:
            break
    return sent


def _rounds_of(message: Mapping[str, Any]) -> int:
    return int(message.get("MessageAttributes", {}).get(_ROUNDS, {}).get("StringValue", "0"))
