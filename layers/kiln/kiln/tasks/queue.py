"""The queue as it is read: who waits in which order, and which tasks run. Every read is of an index, a moment old."""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from kiln.tasks import items
from kiln.tasks.table import TableAccess
from kiln.tasks.task import Task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LONGEST_POSITION = 1_000
"""Positions in the queue are counted up to this."""

FRESH_SECONDS = 1.0
"""How long a process answers with the positions that it has read, however many callers ask."""


@dataclass(frozen=True)
class Queued:
    """A task as the index lists it.

    Attributes:
        task_id: The task.
        turn: Its place in the order: its turn while it waits, the moment of its dispatch (milliseconds) once it runs.
        created_at: When it was accepted, in milliseconds since the epoch.
    """

    task_id: str
    turn: int
    created_at: int


class TaskQueue(TableAccess):
    """The tasks that wait, in the order of their turns, and the tasks that run, the oldest first."""

    def position(self, task: Task) -> int:
        """How many tasks wait up to this one, itself included; counted to 1,000, and up to a second old."""
        turns = _turns_of(self._table).read(self._client, task.turn)
        ahead = bisect_right(turns, task.turn)
        is_listed = ahead > 0 and turns[ahead - 1] == task.turn
        return min(ahead + (not is_listed), LONGEST_POSITION)

    def page(self, queue: str, *, after: int = -1, most: int = LONGEST_POSITION) -> list[Queued]:
        """Tasks of one queue in order.

        Args:
            queue: ``WAITING`` or ``RUNNING`` (``kiln.tasks.items``).
            after: Only those with a later turn.
            most: How many at most.
        """
        answer = self._client.query(
            TableName=self._table,
            IndexName=items.BY_TURN,
            KeyConditionExpression="queue = :queue AND turn > :after",
            ExpressionAttributeValues=items.values(queue=queue, after=after),
            Limit=most,
        )
        return [
            Queued(item["task_id"]["S"], int(item["turn"]["N"]), int(item["created_at"]["N"]))
            for item in answer["Items"]
        ]

    def turns(self, *, first: int, last: int, most: int) -> list[int]:
        """The turns of the tasks that wait, in order, from ``first`` to ``last``; ``most`` of them at most."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=items.BY_TURN,
            KeyConditionExpression="queue = :waiting AND turn BETWEEN :first AND :last",
            ProjectionExpression="turn",
            ExpressionAttributeValues=items.values(waiting=items.WAITING, first=first, last=last),
            Limit=most,
        )
        return [int(item["turn"]["N"]) for item in answer["Items"]]

    def waiting(self) -> list[str]:
        """The ids of the tasks that wait, the next one first; 1,000 at most."""
        return [each.task_id for each in self.page(items.WAITING)]

    def count(self, *, most_pages: int = 10) -> int:
        """How many tasks wait. A page of the index holds about 10,000; what is behind the last page is not counted."""
        counted = 0
        start: dict[str, object] = {}
        for _ in range(most_pages):
            answer = self._client.query(
                TableName=self._table,
                IndexName=items.BY_TURN,
                KeyConditionExpression="queue = :waiting",
                ExpressionAttributeValues=items.values(waiting=items.WAITING),
                Select="COUNT",
                **start,  # type: ignore[arg-type]
            )
            counted += answer["Count"]
            if "LastEvaluatedKey" not in answer:
                break
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
        return counted


class _Turns:
    """The first turns of a table's queue, as this process last read them: no further than a caller asked."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._turns: list[int] = []
        self._next_turn = 0
        self._read_at = float("-inf")

    def read(self, client: DynamoDBClient, last: int) -> list[int]:
        """The turns of the first tasks that wait, in order, at least up to the turn ``last``."""
        now = time.monotonic()
        if now - self._read_at >= FRESH_SECONDS:
            self._turns, self._next_turn, self._read_at = [], 0, now
        left = LONGEST_POSITION - len(self._turns)
        if last >= self._next_turn and left:
            self._turns += TaskQueue(client, self._table).turns(first=self._next_turn, last=last, most=left)
            self._next_turn = last + 1
        return self._turns


@cache
def _turns_of(table: str) -> _Turns:
    return _Turns(table)
