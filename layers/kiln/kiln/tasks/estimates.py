"""Estimates when a task ends, from the stage times of recent tasks, which the reconciler keeps on one item."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from math import ceil
from typing import TYPE_CHECKING, Any

from kiln import clock
from kiln.contract.vocabulary import TaskStatus
from kiln.tasks import items
from kiln.tasks.attributes import plain
from kiln.tasks.table import TableAccess
from kiln.tasks.task import Task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST_SAMPLES = 30
LEAST_SAMPLES = 3
"""Fewer measured tasks are no ground for an estimate."""

VALID_SECONDS = 86_400
"""Older measurements say nothing about today."""

FRESH_SECONDS = 10.0
"""How long a process uses the measurements that it has read."""

RETRY_AFTER_SECONDS = (1, 60)
"""The shortest and the longest ``Retry-After`` of a create answer."""

UNKNOWN_RETRY_AFTER = 5
"""The ``Retry-After`` of a create answer where nothing is measured yet."""


@dataclass(frozen=True)
class Measurements:
    """The stage times of recent tasks, and the queue at the same moment.

    Attributes:
        samples: Of each task: its slots times the milliseconds that it held them, and the milliseconds from its turn
            to its end.
        watched: The running tasks that the reconciler measures once they have ended.
        slots: How many slots there are; 0 while dispatch is paused.
        waiting: How many tasks waited.
        milestones: The turns of the tasks at the places 50, 100, 150 … of the queue; none of a short queue.
        measured_at: When the newest sample was added, in milliseconds since the epoch.
    """

    samples: list[list[int]] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)
    slots: int = 0
    waiting: int = 0
    milestones: list[int] = field(default_factory=list)
    measured_at: int = 0

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Measurements:
        """The measurements that their item has."""
        return cls(**{each.name: plain(item[each.name]) for each in fields(cls) if each.name in item})

    def seconds_until_end(self, position: int = 0, elapsed_seconds: float = 0) -> int | None:
        """How long a task still takes, or ``None`` where too little is known.

        Args:
            position: Its place in the queue; 0 once it has had its turn.
            elapsed_seconds: The time since its turn.
        """
        is_stale = clock.milliseconds() - self.measured_at > VALID_SECONDS * 1_000
        if len(self.samples) < LEAST_SAMPLES or is_stale or (position and not self.slots):
            return None
        until_turn = position / max(1, self.slots) * sum(slot_time for slot_time, _ in self.samples) / len(self.samples)
        from_turn = sorted(total for _, total in self.samples)[len(self.samples) // 2]
        left = (until_turn + from_turn) / 1_000 - elapsed_seconds
        # A task that has taken longer than most may take much longer still.
        return ceil(left) if left > 0 else None

    def retry_after(self) -> int:
        """When it is worth asking for a task that is created now, in seconds."""
        shortest, longest = RETRY_AFTER_SECONDS
        seconds = self.seconds_until_end(self.waiting + 1 if self.waiting else 0)
        return UNKNOWN_RETRY_AFTER if seconds is None else min(max(seconds, shortest), longest)


class Estimates(TableAccess):
    """Reads and keeps the measurements."""

    def eta_seconds(self, task: Task, position: int | None) -> int | None:
        """The estimated seconds until a task ends; ``None`` for an ended task, and where too little is known."""
        if task.task_status.is_terminal or not (position or task.slots_acquired_at):
            return None
        since = 0.0 if position else (clock.milliseconds() - task.slots_acquired_at) / 1_000
        return self.recent().seconds_until_end(position or 0, since)

    def recent(self) -> Measurements:
        """The measurements, read at most every ten seconds."""
        return _recent_of(self._table).read(self._client)

    def read(self) -> Measurements:
        """The measurements as they are stored now."""
        answer = self._client.get_item(TableName=self._table, Key=items.STAGE_TIMES_KEY)
        return Measurements.of(answer.get("Item", {}))

    def measure(
        self,
        before: Measurements,
        ended: Iterable[Task],
        watched: list[str],
        *,
        slots: int,
        waiting: int,
        milestones: list[int] | None = None,
    ) -> None:
        """Adds the stage times of the watched tasks that have ended, and keeps the state of the queue."""
        new = [sample for task in ended if (sample := _sample(task))]
        after = Measurements(
            samples=[*before.samples, *new][-MOST_SAMPLES:],
            watched=watched,
            slots=slots,
            waiting=waiting,
            milestones=milestones or [],
            measured_at=clock.milliseconds() if new else before.measured_at,
        )
        if after == before:
            return
        self._client.update_item(
            TableName=self._table,
            Key=items.STAGE_TIMES_KEY,
            UpdateExpression=f"SET {', '.join(f'{each.name} = :{each.name}' for each in fields(after))}",
            ExpressionAttributeValues=items.values(**asdict(after)),
        )


def _sample(task: Task) -> list[int] | None:
    moments = task.slots_acquired_at, task.collecting_at
    if task.task_status is not TaskStatus.SUCCEED or not all(moments):
        return None
    return [task.n * (task.collecting_at - task.slots_acquired_at), task.updated_at - task.slots_acquired_at]


class _Recent:
    """The measurements of a table, as this process last read them."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._measurements = Measurements()
        self._read_at = float("-inf")

    def read(self, client: DynamoDBClient) -> Measurements:
        """The measurements, up to ten seconds old."""
        now = time.monotonic()
        if now - self._read_at >= FRESH_SECONDS:
            self._measurements = Estimates(client, self._table).read()
            self._read_at = now
        return self._measurements


@cache
def _recent_of(table: str) -> _Recent:
    return _Recent(table)
