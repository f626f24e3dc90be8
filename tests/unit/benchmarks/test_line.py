"""The simulated line keeps the rules of the real one: slots are dealt and turns are given as ``kiln`` does both."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
import simpy

from benchmarks.line import Line, deal
from kiln.slots import Slots
from kiln.tasks import admission, items
from tests.support import account

TABLE = account.ENVIRONMENT["TABLE_NAME"]
LIMIT = 9


@pytest.mark.parametrize(
    ("free", "needs", "expected"),
    [
        (3, [1, 1, 1, 1], ([0, 1, 2], 0)),
        (3, [4, 1], ([], 3)),
        (5, [4, 4, 1], ([0], 1)),
        (0, [1], ([], 0)),
        (5, [], ([], 0)),
    ],
)
def test_dealing(free: int, needs: list[int], expected: tuple[list[int], int]) -> None:
    assert deal(free, needs) == expected


@pytest.mark.parametrize("seed", range(12))
def test_slots_are_dealt_as_the_real_ones_are(cloud: SimpleNamespace, seed: int) -> None:
    dice = random.Random(seed)
    leaver, n = "f" * 32, dice.randint(1, 4)
    others = dice.randint(0, LIMIT - n)
    needs = [dice.randint(1, 9) for _ in range(dice.randint(0, 6))]
    _put_holders(cloud, [f"{leaver}#{each}" for each in range(n)] + [f"{'e' * 32}#{each}" for each in range(others)])
    for place, need in enumerate(needs):
        _put_waiting(cloud, f"{place:032x}", turn=place + 1, n=need)

    slots = Slots(limit=LIMIT)
    woken = slots.release(leaver, n)

    served, reserved = deal(LIMIT - others, needs)
    assert woken == [f"{place:032x}" for place in served]
    assert slots.state().reserved == reserved


def test_turns_are_given_as_the_real_ones_are(cloud: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    # What the real one may not have heard of for a second, the simulated one knows at once.
    monkeypatch.setattr(admission, "FRESH_SECONDS", 0.0)
    dice = random.Random(7)
    line, real = Line(simpy.Environment(), LIMIT), admission.Admission()
    for _ in range(40):
        caller, n = dice.choice(["ada", "bob", "eve"]), dice.randint(1, 9)
        turn = real.admit(caller, n, per_minute=1_000).turn
        assert line.admit(caller, n) == turn
        if dice.random() < 0.5:
            # Somebody is served: where the line stands now is where newcomers begin.
            _serve(line, turn)
            _put_virtual_time(cloud, turn)


def _serve(line: Line, turn: int) -> None:
    """Takes a slot at once, by which the line is served up to this turn, and gives it back."""
    with pytest.raises(StopIteration, match="False"):
        next(line.take(turn, 1))
    line.leave(1)


def _put_holders(cloud: Any, names: list[str]) -> None:
    cloud.dynamodb.put_item(TableName=TABLE, Item={**items.SLOTS_KEY, "holders": {"SS": names}})


def _put_virtual_time(cloud: Any, turn: int) -> None:
    cloud.dynamodb.put_item(TableName=TABLE, Item={**items.SLOTS_KEY, "virtual_time": {"N": str(turn)}})


def _put_waiting(cloud: Any, task_id: str, *, turn: int, n: int) -> None:
    item = {"task_id": task_id, "queue": items.WAITING, "turn": turn, "n": n}
    plain = {name.removeprefix(":"): value for name, value in items.values(**item).items()}
    cloud.dynamodb.put_item(TableName=TABLE, Item={**items.task_key(task_id), **plain})
