"""Time in tests: a clock that a test moves, and moments of a stored task that lie in the past."""

from __future__ import annotations

import time

import pytest

from kiln import aws, clock
from kiln.tasks import items
from tests.support.account import ENVIRONMENT


class StoppedClock:
    """A clock that moves only when the test moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = time.time_ns()
        monkeypatch.setattr(time, "time", lambda: self._now / 1e9)
        monkeypatch.setattr(time, "time_ns", lambda: self._now)

    def advance(self, seconds: float) -> None:
        """Moves the clock, backwards if ``seconds`` is negative."""
        self._now += int(seconds * 1e9)


def set_age(task_id: str = "task-1", **ages: float | None) -> None:
    """Sets moments of a stored task by their age.

    Args:
        task_id: The stored task.
        ages: Seconds since each moment, such as ``dispatched_at=60``; ``None`` removes the moment.
    """
    now = clock.milliseconds()
    aws.dynamodb().update_item(
        TableName=ENVIRONMENT["TABLE_NAME"],
        Key=items.task_key(task_id),
        AttributeUpdates={
            name: {"Action": "DELETE"}
            if age is None
            else {"Action": "PUT", "Value": {"N": str(now - int(age * 1_000))}}
            for name, age in ages.items()
        },
    )
