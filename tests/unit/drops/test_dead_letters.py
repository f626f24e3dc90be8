"""Dead letters of the inbox: three more rounds by themselves, with pauses, and then they stay."""

from __future__ import annotations

from typing import Any

import pytest

from kiln.drops import dead_letters
from kiln.drops.dead_letters import PAUSES_SECONDS, take_up
from tests.support.account import ENVIRONMENT

DEAD, INBOX = ENVIRONMENT["INBOX_DEAD_LETTERS_URL"], ENVIRONMENT["INBOX_QUEUE_URL"]


@pytest.fixture
def sent(cloud, monkeypatch) -> list[dict[str, Any]]:
    """The messages that are sent to the inbox queue."""
    kept: list[dict[str, Any]] = []
    monkeypatch.setattr(cloud.sqs, "send_message", lambda **message: kept.append(message))
    return kept


def bury(cloud, body: str = "{}", **message: Any) -> None:
    cloud.sqs._make_api_call("SendMessage", {"QueueUrl": DEAD, "MessageBody": body, **message})


def left(cloud) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = cloud.sqs.get_queue_attributes(QueueUrl=DEAD, AttributeNames=names)["Attributes"]
    return sum(int(each) for each in found.values())


def test_empty_queue_sends_nothing(cloud, sent):
    assert (take_up(), sent) == (0, [])


def test_dead_letter_returns_to_the_inbox_and_leaves_the_queue(cloud, sent):
    bury(cloud, '{"Records": []}')
    assert take_up() == 1
    assert [(each["QueueUrl"], each["MessageBody"]) for each in sent] == [(INBOX, '{"Records": []}')]
    assert left(cloud) == 0


def test_each_round_begins_later_and_after_the_last_the_letter_stays(cloud, sent):
    bury(cloud)
    for number, pause in enumerate(PAUSES_SECONDS, start=1):
        assert take_up() == 1
        assert sent[-1]["DelaySeconds"] == pause
        assert sent[-1]["MessageAttributes"]["rounds"]["StringValue"] == str(number)
        bury(cloud, MessageAttributes=sent[-1]["MessageAttributes"])
    assert (take_up(), left(cloud)) == (0, 1)


def test_one_run_is_bounded(cloud, sent, monkeypatch):
    monkeypatch.setattr(dead_letters, "_BATCHES", 2)
    for _ in range(23):
        bury(cloud)
    assert (take_up(), left(cloud)) == (20, 3)


def test_letter_that_cannot_be_sent_is_not_deleted(cloud, monkeypatch):
    bury(cloud)

    def refuse(**_: Any) -> None:
        raise ConnectionError("no answer")

    monkeypatch.setattr(cloud.sqs, "send_message", refuse)
    with pytest.raises(ConnectionError):
        take_up()
    assert left(cloud) == 1
