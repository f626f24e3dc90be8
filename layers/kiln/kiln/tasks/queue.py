"""The queue as it is read: who waits in which order, and which tasks run. Every read is of an index, a moment old."""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from kiln.tasks import items
from kiln.tasks.estimates import Estimates
from kiln.tasks.table import TableAccess
from kiln.tasks.task import Task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LONGEST_POSITION = 1_000
"""Positions in the queue are counted up to this."""

HEAD = 100
"""Positions up to this are counted one by one. Behind it they are estimated from the milestones."""

APART = 50
"""The reconciler keeps the turn of each task that is so many places behind the last, as a milestone."""

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
        """How many tasks wait up to this one, itself included; counted to 1,000, and up to a second old.

        Behind the head of the queue it is an estimate. It leaves out newer tasks with a smaller turn for a minute.
        """
        head = _turns_of(self._table).read(self._client)
        if len(head) < HEAD or task.turn <= head[-1]:
            return _counted(head, task.turn)
        milestones = Estimates(self._client, self._table).recent().milestones
        is_known = bool(milestones) and milestones[-1] > head[-1]
        if is_known and task.turn <= milestones[-1]:
            return min(HEAD + max(1, _place(milestones, task.turn) - _place(milestones, head[-1])), LONGEST_POSITION)
        if len(milestones) * APART >= LONGEST_POSITION:
            return LONGEST_POSITION
        # The task is newer than the milestones: only what has come since is read.
        after = milestones[-1] if is_known else head[-1]
        before = HEAD + (_place(milestones, after) - _place(milestones, head[-1]) if is_known else 0)
        newer = _turns_of(self._table, after).read(self._client)
        return min(before + _counted(newer, task.turn), LONGEST_POSITION)

    def milestones(self) -> list[int]:
        """The turns of the tasks at the places 50, 100, 150 and so on, to 1,000."""
        return [each.turn for each in self.page(items.WAITING)[APART - 1 :: APART]]

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


def _counted(turns: list[int], turn: int) -> int:
    """The place of a turn in a list of turns, itself included."""
    ahead = bisect_right(turns, turn)
    is_listed = ahead > 0 and turns[ahead - 1] == turn
    return ahead + (not is_listed)


def _place(milestones: list[int], turn: int) -> int:
    """The place of a turn between two milestones, as if turns were spread evenly."""
    number = bisect_right(milestones, turn)
    if number in (0, len(milestones)):
        return number * APART
    before, after = milestones[number - 1], milestones[number]
    return number * APART + APART * (turn - before) // max(1, after - before)


class _Turns:
    """Some turns of a table's queue, as this process last read them: its head, or what is behind a turn."""

    def __init__(self, table: str, after: int | None) -> None:
        self._table = table
        self._after = after
        self._turns: list[int] = []
        self._read_at = float("-inf")

    def read(self, client: DynamoDBClient) -> list[int]:
        """The turns in order: 100 from the head of the queue, or 1,000 behind a turn."""
        now = time.monotonic()
        if now - self._read_at >= FRESH_SECONDS:
            queue = TaskQueue(client, self._table)
            if self._after is None:
                page = queue.page(items.WAITING, most=HEAD)
            else:
                page = queue.page(items.WAITING, after=self._after)
            self._turns = [each.turn for each in page]
            self._read_at = now
        return self._turns


@lru_cache(maxsize=8)
def _turns_of(table: str, after: int | None = None) -> _Turns:
    return _Turns(table, after)
