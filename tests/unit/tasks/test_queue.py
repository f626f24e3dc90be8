"""A place in a long queue: exact at its head, an estimate behind, for a fraction of the reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.client import BaseClient

from benchmarks.modelling.dynamodb_units import item_bytes, read_units
from kiln.slots.store import Slots
from kiln.tasks import estimates, queue
from kiln.tasks.estimates import Estimates
from kiln.tasks.queue import APART, HEAD, LONGEST_POSITION, TaskQueue
from kiln.tasks.task import Task
from kiln.workflow.reconcile import reconcile
from tests.support.account import ENVIRONMENT
from tests.support.samples import make_task

LENGTH = 900
STEP = 3
"""Turns count images, so they are not consecutive."""


@pytest.fixture
def fresh() -> Iterator[Any]:
    """Lets a process read everything again."""

    def forget() -> None:
        queue._turns_of.cache_clear()
        estimates._recent_of.cache_clear()

    forget()
    yield forget
    forget()


@pytest.fixture
def units(monkeypatch: pytest.MonkeyPatch, cloud: Any) -> list[float]:
    """The read units of each read of the table, by DynamoDB's rules."""
    used: list[float] = []
    make = BaseClient._make_api_call

    def make_api_call(self: Any, operation: str, parameters: Any) -> Any:
        answer = make(self, operation, parameters)
        if operation in ("Query", "GetItem"):
            read = answer["Items"] if operation == "Query" else [answer.get("Item", {})]
            used.append(read_units([item_bytes(item) for item in read], consistent=False))
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", make_api_call)
    return used


def line_up(cloud: Any, first: int, last: int) -> None:
    """Puts tasks into the queue: the places from ``first`` to ``last`` of one that only grows."""
    entries = [
        {
            "pk": {"S": f"QUEUE#{number:032x}"},
            "task_id": {"S": f"{number:032x}"},
            "queue": {"S": "waiting"},
            "turn": {"N": str(STEP * number)},
            "n": {"N": "1"},
            "created_at": {"N": "1722769557708"},
        }
        for number in range(first, last + 1)
    ]
    requests: list[Any] = [{"PutRequest": {"Item": each}} for each in entries]
    for start in range(0, len(requests), 25):
        cloud.dynamodb.batch_write_item(RequestItems={ENVIRONMENT["TABLE_NAME"]: requests[start : start + 25]})


def at(place: int) -> Task:
    return make_task(f"{place:032x}", turn=STEP * place, queue="waiting")


def keep_milestones() -> None:
    """Does what the reconciler does once a minute."""
    kept = Estimates()
    kept.measure(kept.read(), [], [], slots=9, waiting=LENGTH, milestones=TaskQueue().milestones())


def test_place_in_a_long_queue_is_known_for_a_fraction_of_the_reads(cloud: Any, units: list[float], fresh: Any) -> None:
    line_up(cloud, 1, LENGTH)
    keep_milestones()
    for place in (1, HEAD, HEAD + 1, 555, LENGTH):
        fresh()
        units.clear()
        assert abs(TaskQueue().position(at(place)) - place) <= (0 if place <= HEAD else 1)
        assert sum(units) <= 2.5
    units.clear()
    assert len(TaskQueue().page("waiting")) == LENGTH
    assert sum(units) > 12


def test_polls_within_a_second_read_once(cloud: Any, units: list[float], fresh: Any) -> None:
    line_up(cloud, 1, LENGTH)
    keep_milestones()
    units.clear()
    for place in range(1, LENGTH, 10):
        TaskQueue().position(at(place))
    assert len(units) == 2


def test_place_moves_up_between_two_runs_of_the_reconciler(cloud: Any, fresh: Any) -> None:
    line_up(cloud, 1, LENGTH)
    keep_milestones()
    for number in range(1, 41):
        cloud.dynamodb.delete_item(TableName=ENVIRONMENT["TABLE_NAME"], Key={"pk": {"S": f"QUEUE#{number:032x}"}})
    fresh()
    assert abs(TaskQueue().position(at(500)) - 460) <= 1


def test_tasks_newer_than_the_milestones_are_counted(cloud: Any, units: list[float], fresh: Any) -> None:
    line_up(cloud, 1, 500)
    keep_milestones()
    line_up(cloud, 501, 560)
    fresh()
    units.clear()
    assert [TaskQueue().position(at(place)) for place in (510, 560)] == [510, 560]
    assert sum(units) <= 4


def test_queue_without_milestones_is_counted(cloud: Any, fresh: Any) -> None:
    line_up(cloud, 1, 260)
    assert [TaskQueue().position(at(place)) for place in (60, 200, 260)] == [60, 200, 260]


def test_place_behind_the_last_milestone_of_a_very_long_queue_is_the_longest(cloud: Any, fresh: Any) -> None:
    line_up(cloud, 1, LONGEST_POSITION + APART)
    keep_milestones()
    assert TaskQueue().position(at(LONGEST_POSITION + 20)) == LONGEST_POSITION


def test_reconciler_keeps_milestones_of_a_long_queue_only(cloud: Any, executions: Any, fresh: Any) -> None:
    Slots().pause()
    line_up(cloud, 1, HEAD)
    reconcile()
    assert Estimates().read().milestones == []
    line_up(cloud, HEAD + 1, HEAD + APART)
    reconcile()
    assert Estimates().read().milestones == [STEP * APART, STEP * 2 * APART, STEP * 3 * APART]
