"""Admission: numbers without gaps or repeats, a minute's limit, and a line that is fair between callers."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest

from kiln.errors import TooManyRequests
from kiln.tasks import admission as module
from kiln.tasks import items
from kiln.tasks.admission import Admission, Ticket

MANY = 1_000_000
NOW = 1_700_000_000


@pytest.fixture
def admission(cloud, monkeypatch) -> Admission:
    """One that looks at the line for every task, as if they came seconds apart."""
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    return Admission()


def serve(cloud: Any, turn: int) -> None:
    """The line has been served up to a turn."""
    cloud.dynamodb.update_item(
        TableName="kiln-table",
        Key=items.SLOTS_KEY,
        UpdateExpression="SET virtual_time = :turn",
        ExpressionAttributeValues={":turn": {"N": str(turn)}},
    )


def test_tasks_are_numbered_per_caller_and_stand_n_behind_one_another(admission):
    assert admission.admit("ada", 1, per_minute=MANY) == Ticket(1, 1)
    assert admission.admit("ada", 9, per_minute=MANY) == Ticket(2, 10)
    assert admission.admit("ada", 2, per_minute=MANY) == Ticket(3, 12)
    assert admission.admit("bob", 3, per_minute=MANY) == Ticket(1, 3)


def test_who_comes_with_five_does_not_wait_behind_nine_hundred(admission):
    crowd = [admission.admit("ada", 1, per_minute=MANY).turn for _ in range(50)]
    few = [admission.admit("bob", 1, per_minute=MANY).turn for _ in range(5)]
    line = sorted([(turn, "ada") for turn in crowd] + [(turn, "bob") for turn in few])
    assert [caller for _, caller in line[:10]].count("bob") == 5


def test_a_pause_earns_nothing(admission, cloud):
    assert admission.admit("ada", 1, per_minute=MANY).turn == 1
    serve(cloud, 500)
    assert admission.admit("ada", 2, per_minute=MANY).turn == 502
    assert admission.admit("ada", 1, per_minute=MANY).turn == 503
    assert admission.admit("new", 1, per_minute=MANY).turn == 501


def test_a_caller_ahead_of_the_line_keeps_its_own_place(admission, cloud):
    turns = [admission.admit("ada", 9, per_minute=MANY).turn for _ in range(3)]
    serve(cloud, 9)
    assert admission.admit("ada", 9, per_minute=MANY).turn == turns[-1] + 9


def test_a_caller_may_create_so_many_tasks_a_minute(admission, monkeypatch):
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


def test_a_refusal_counts_nothing(admission, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW)
    admission.admit("ada", 1, per_minute=1)
    for _ in range(3):
        with pytest.raises(TooManyRequests):
            admission.admit("ada", 9, per_minute=1)
    assert admission.admit("ada", 1, per_minute=2) == Ticket(2, 2)


def test_a_minute_begun_by_another_request_meanwhile_is_gone_on_with(cloud, monkeypatch):
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


def test_a_minute_that_another_clock_has_begun_already_is_gone_on_with(admission, cloud, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW + 60)
    admission.admit("ada", 1, per_minute=3)
    monkeypatch.setattr(time, "time", lambda: NOW)
    assert [admission.admit("ada", 1, per_minute=3).sequence for _ in range(2)] == [2, 3]
    with pytest.raises(TooManyRequests):
        admission.admit("ada", 1, per_minute=3)


def test_a_look_counts_in_its_callers_minute_and_nowhere_else(admission, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW)
    admission.count("ada", per_minute=3)
    assert admission.admit("ada", 9, per_minute=3) == Ticket(1, 9)
    admission.count("ada", per_minute=3)
    for refused in (partial(admission.count, "ada"), partial(admission.admit, "ada", 1)):
        with pytest.raises(TooManyRequests):
            refused(per_minute=3)
    assert admission.admit("ada", 1, per_minute=4) == Ticket(2, 10)


def test_places_that_are_given_back_are_the_callers_own_again(admission):
    for _ in range(3):
        admission.admit("ada", 9, per_minute=MANY)
    for _ in range(3):
        admission.withdraw("ada", 9)
    assert admission.admit("ada", 1, per_minute=MANY) == Ticket(4, 1)


def test_places_behind_the_line_are_not_stood_in_again(admission, cloud):
    admission.admit("ada", 9, per_minute=MANY)
    serve(cloud, 500)
    admission.withdraw("ada", 9)
    assert admission.admit("ada", 1, per_minute=MANY).turn == 501


@pytest.mark.parametrize("had", [0, 2])
def test_no_more_is_given_back_than_was_taken(admission, cloud, had):
    if had:
        admission.admit("ada", had, per_minute=MANY)
    before = cloud.dynamodb.get_item(TableName="kiln-table", Key=items.caller_key("ada")).get("Item")
    admission.withdraw("ada", 9)
    assert cloud.dynamodb.get_item(TableName="kiln-table", Key=items.caller_key("ada")).get("Item") == before


def test_how_far_the_line_is_served_is_read_once_a_second(cloud, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    serve(cloud, 10)
    assert Admission().admit("ada", 1, per_minute=MANY).turn == 11
    serve(cloud, 500)
    now[0] += 0.5
    assert Admission().admit("bob", 1, per_minute=MANY).turn == 11
    now[0] += 0.5
    assert Admission().admit("eve", 1, per_minute=MANY).turn == 501
