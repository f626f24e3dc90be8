"""The simulated queue follows the rules of the real one: it hands slots over and assigns turns as ``kiln`` does."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
import simpy

from benchmarks.modelling.waiting.hand_over import HandOver, hand_over
from benchmarks.modelling.waiting.queue import SlotQueue
from kiln.slots import Slots
from kiln.tasks import admission, items
from tests.support import account

TABLE = account.ENVIRONMENT["TABLE_NAME"]
LIMIT = 9


@pytest.mark.parametrize(
    ("free", "needs", "expected"),
    [
        (3, [1, 1, 1, 1], HandOver([0, 1, 2], reserved=0)),
        (3, [4, 1], HandOver([], reserved=3)),
        (5, [4, 4, 1], HandOver([0], reserved=1)),
        (0, [1], HandOver([], reserved=0)),
        (5, [], HandOver([], reserved=0)),
    ],
)
def test_hand_over_serves_tasks_in_order_and_reserves_the_rest(free: int, needs: list[int], expected: HandOver) -> None:
    assert hand_over(free, needs) == expected


@pytest.mark.parametrize("seed", range(12))
def test_random_queue_gets_the_same_slots_as_from_kiln(cloud: SimpleNamespace, seed: int) -> None:
    dice = random.Random(seed)
    releasing, n = "f" * 32, dice.randint(1, 4)
    others = dice.randint(0, LIMIT - n)
    needs = [dice.randint(1, 9) for _ in range(dice.randint(0, 6))]
    _put_holders(cloud, [f"{releasing}#{each}" for each in range(n)] + [f"{'e' * 32}#{each}" for each in range(others)])
    for position, need in enumerate(needs):
        _put_waiting(cloud, f"{position:032x}", turn=position + 1, n=need)

    slots = Slots(limit=LIMIT)
    woken = slots.release(releasing, n)

    expected = hand_over(LIMIT - others, needs)
    assert woken == [f"{position:032x}" for position in expected.served]
    assert slots.state().reserved == expected.reserved


def test_random_callers_get_turns_as_from_kiln(cloud: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real one may be a second behind the turn that is served; the simulated one knows it at once.
    monkeypatch.setattr(admission, "FRESH_SECONDS", 0.0)
    dice = random.Random(7)
    queue, real = SlotQueue(simpy.Environment(), LIMIT), admission.Admission()
    for _ in range(40):
        caller, n = dice.choice(["ada", "bob", "eve"]), dice.randint(1, 9)
        turn = real.admit(caller, n, per_minute=1_000).turn
        assert queue.admit(caller, n) == turn
        if dice.random() < 0.5:
            # A task with this turn is served, so new callers begin there.
            _serve(queue, turn)
            _put_virtual_time(cloud, turn)


def _serve(queue: SlotQueue, turn: int) -> None:
    """Acquire a slot at once, so that the queue is served up to this turn, and release it."""
    with pytest.raises(StopIteration, match="False"):
        next(queue.acquire(turn, 1))
    queue.release(1)


def _put_holders(cloud: Any, names: list[str]) -> None:
    cloud.dynamodb.put_item(TableName=TABLE, Item={**items.SLOTS_KEY, "holders": {"SS": names}})


def _put_virtual_time(cloud: Any, turn: int) -> None:
    cloud.dynamodb.put_item(TableName=TABLE, Item={**items.SLOTS_KEY, "virtual_time": {"N": str(turn)}})


def _put_waiting(cloud: Any, task_id: str, *, turn: int, n: int) -> None:
    item = {"task_id": task_id, "queue": items.WAITING, "turn": turn, "n": n}
    plain = {name.removeprefix(":"): value for name, value in items.values(**item).items()}
    cloud.dynamodb.put_item(TableName=TABLE, Item={**items.task_key(task_id), **plain})
