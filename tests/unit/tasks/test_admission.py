"""Admission: numbers without gaps or repeats, a minute's limit, and a line that is fair between callers."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest

from kiln.errors import TooManyRequests
from kiln.tasks import admission as module
from kiln.tasks import items
from kiln.tasks.admission import LOW_TURNS, Admission, Ticket
from tests.support.slots import serve

MANY = 1_000_000
NOW = 1_700_000_000


@pytest.fixture
def admission(cloud, monkeypatch) -> Admission:
    """One that reads the queue for every task, as if they came seconds apart."""
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    return Admission()


def test_tasks_of_a_caller_get_successive_numbers_and_turns(admission):
    assert admission.admit("ada", 1, per_minute=MANY) == Ticket(1, 1)
    assert admission.admit("ada", 9, per_minute=MANY) == Ticket(2, 10)
    assert admission.admit("ada", 2, per_minute=MANY) == Ticket(3, 12)
    assert admission.admit("bob", 3, per_minute=MANY) == Ticket(1, 3)


def test_five_tasks_of_one_caller_do_not_wait_behind_900_of_another(admission):
    crowd = [admission.admit("ada", 1, per_minute=MANY).turn for _ in range(50)]
    few = [admission.admit("bob", 1, per_minute=MANY).turn for _ in range(5)]
    queue = sorted([(turn, "ada") for turn in crowd] + [(turn, "bob") for turn in few])
    assert [caller for _, caller in queue[:10]].count("bob") == 5


def test_idle_caller_earns_no_earlier_turn(admission, cloud):
    assert admission.admit("ada", 1, per_minute=MANY).turn == 1
    serve(cloud, 500)
    assert admission.admit("ada", 2, per_minute=MANY).turn == 502
    assert admission.admit("ada", 1, per_minute=MANY).turn == 503
    assert admission.admit("new", 1, per_minute=MANY).turn == 501


def test_caller_ahead_of_the_queue_keeps_its_own_turn(admission, cloud):
    turns = [admission.admit("ada", 9, per_minute=MANY).turn for _ in range(3)]
    serve(cloud, 9)
    assert admission.admit("ada", 9, per_minute=MANY).turn == turns[-1] + 9


def test_low_task_gets_a_turn_behind_every_normal_one(admission):
    low = admission.admit("ada", 1, per_minute=MANY, is_low=True)
    crowd = [admission.admit("bob", 9, per_minute=MANY).turn for _ in range(50)]
    assert low.sequence == 1
    assert low.turn > max(crowd)


def test_low_tasks_do_not_delay_the_callers_normal_ones(admission):
    for _ in range(50):
        admission.admit("ada", 9, per_minute=MANY, is_low=True)
    assert admission.admit("ada", 1, per_minute=MANY) == Ticket(51, 1)


def test_low_tasks_are_fair_among_callers_and_begin_at_the_present(admission, cloud):
    crowd = [admission.admit("ada", 1, per_minute=MANY, is_low=True).turn for _ in range(50)]
    few = [admission.admit("bob", 1, per_minute=MANY, is_low=True).turn for _ in range(5)]
    assert max(few) < crowd[6]
    serve(cloud, 500)
    assert admission.admit("eve", 2, per_minute=MANY, is_low=True).turn == LOW_TURNS + 502


def test_withdrawn_low_task_refunds_its_low_turn(admission):
    admission.admit("ada", 9, per_minute=MANY)
    admission.admit("ada", 9, per_minute=MANY, is_low=True)
    admission.withdraw("ada", 9, is_low=True)
    assert admission.admit("ada", 1, per_minute=MANY, is_low=True).turn == LOW_TURNS + 1
    assert admission.admit("ada", 1, per_minute=MANY).turn == 10


def test_tasks_beyond_the_rate_limit_are_refused(admission, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW)
    assert [admission.admit("ada", 1, per_minute=2).sequence for _ in range(2)] == [1, 2]
    with pytest.raises(TooManyRequests, match="at most 2 tasks") as refused:
        admission.admit("ada", 1, per_minute=2)
    assert (refused.value.code, refused.value.http_status) == (1302, 429)
    assert refused.value.retry_after == 60 - NOW % 60
    assert admission.admit("bob", 1, per_minute=2).sequence == 1
    monkeypatch.setattr(time, "time", lambda: NOW + refused.value.retry_after)
    assert [admission.admit("ada", 1, per_minute=2) for _ in range(2)] == [Ticket(3, 3), Ticket(4, 4)]
    with pytest.raises(TooManyRequests):
        admission.admit("ada", 1, per_minute=2)
    assert admission.admit("ada", 1, per_minute=3).sequence == 5


def test_refusal_does_not_count(admission, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW)
    admission.admit("ada", 1, per_minute=1)
    for _ in range(3):
        with pytest.raises(TooManyRequests):
            admission.admit("ada", 9, per_minute=1)
    assert admission.admit("ada", 1, per_minute=2) == Ticket(2, 2)


def test_minute_opened_by_a_concurrent_request_is_continued(cloud, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW)

    class Overtaken:
        """A client behind whose back another request begins the minute."""

        exceptions = cloud.dynamodb.exceptions

        def __init__(self) -> None:
            self.calls = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(cloud.dynamodb, name)

        def update_item(self, **request: Any) -> Any:
            self.calls += 1
            if self.calls == 2:
                Admission().admit("ada", 1, per_minute=MANY)
            return cloud.dynamodb.update_item(**request)

    assert Admission(client=Overtaken()).admit("ada", 1, per_minute=MANY) == Ticket(2, 2)  # type: ignore[arg-type]


def test_minute_opened_by_a_faster_clock_is_continued(admission, cloud, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW + 60)
    admission.admit("ada", 1, per_minute=3)
    monkeypatch.setattr(time, "time", lambda: NOW)
    assert [admission.admit("ada", 1, per_minute=3).sequence for _ in range(2)] == [2, 3]
    with pytest.raises(TooManyRequests):
        admission.admit("ada", 1, per_minute=3)


def test_read_counts_against_the_rate_limit_alone(admission, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW)
    admission.count("ada", per_minute=3)
    assert admission.admit("ada", 9, per_minute=3) == Ticket(1, 9)
    admission.count("ada", per_minute=3)
    for refused in (partial(admission.count, "ada"), partial(admission.admit, "ada", 1)):
        with pytest.raises(TooManyRequests):
            refused(per_minute=3)
    assert admission.admit("ada", 1, per_minute=4) == Ticket(2, 10)


def test_refunded_turn_is_the_callers_again(admission):
    for _ in range(3):
        admission.admit("ada", 9, per_minute=MANY)
    for _ in range(3):
        admission.withdraw("ada", 9)
    assert admission.admit("ada", 1, per_minute=MANY) == Ticket(4, 1)


def test_refunded_turn_behind_the_queue_is_not_reused(admission, cloud):
    admission.admit("ada", 9, per_minute=MANY)
    serve(cloud, 500)
    admission.withdraw("ada", 9)
    assert admission.admit("ada", 1, per_minute=MANY).turn == 501


@pytest.mark.parametrize("had", [0, 2])
def test_refund_is_at_most_the_turns_taken(admission, cloud, had):
    if had:
        admission.admit("ada", had, per_minute=MANY)
    before = cloud.dynamodb.get_item(TableName="kiln-table", Key=items.caller_key("ada")).get("Item")
    admission.withdraw("ada", 9)
    assert cloud.dynamodb.get_item(TableName="kiln-table", Key=items.caller_key("ada")).get("Item") == before


def test_served_turn_is_read_once_a_second(cloud, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    serve(cloud, 10)
    assert Admission().admit("ada", 1, per_minute=MANY).turn == 11
    serve(cloud, 500)
    now[0] += 0.5
    assert Admission().admit("bob", 1, per_minute=MANY).turn == 11
    now[0] += 0.5
    assert Admission().admit("eve", 1, per_minute=MANY).turn == 501
