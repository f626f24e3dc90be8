"""Time in tests: a clock that a test moves, and moments of a stored task that lie in the past."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from kiln import aws, clock
from kiln.tasks import items
from tests.support.account import ENVIRONMENT


class StoppedClock:
    """A clock that moves only when the test moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = time.time_ns()
        self._advanced = dt.timedelta()
        monkeypatch.setattr(time, "time", lambda: self._now / 1e9)
        monkeypatch.setattr(time, "time_ns", lambda: self._now)
        # The clock of the in-process doubles runs on, because they wait by it; only what a test advances is added.
        for module in ("moto.core.utils", "moto.s3.models"):
            monkeypatch.setattr(f"{module}.utcnow", self._now_of_doubles)

    def advance(self, seconds: float) -> None:
        """Moves the clock, backwards if ``seconds`` is negative."""
        self._now += int(seconds * 1e9)
        self._advanced += dt.timedelta(seconds=seconds)

    def _now_of_doubles(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC).replace(tzinfo=None) + self._advanced


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
