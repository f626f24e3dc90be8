"""The simulated queue follows the rules of the real one: it hands slots over and assigns turns as ``kiln`` does."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest
import simpy

from benchmarks.modelling.waiting.queue import SlotQueue
from kiln.tasks import admission, items
from tests.support import account

TABLE = account.ENVIRONMENT["TABLE_NAME"]
LIMIT = 9


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
    with pytest.raises(StopIteration) as done:
        next(queue.acquire(turn, 1))
    pool, has_waited = done.value.value
    assert not has_waited
    queue.release(pool, 1)


def _put_virtual_time(cloud: Any, turn: int) -> None:
    cloud.dynamodb.put_item(TableName=TABLE, Item={**items.SLOTS_KEY, "virtual_time": {"N": str(turn)}})
