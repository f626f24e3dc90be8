"""Admits a task: its number in its caller's list, the caller's limit a minute, its turn in the queue.

The queue is fair between callers (start-time fair queueing). A caller's next task comes ``n`` after its last one, but
not before the turn that is served now. A caller with 900 waiting tasks does not hold up a caller with five.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from kiln.errors import TooManyRequests
from kiln.tasks import items
from kiln.tasks.table import TableAccess

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Another request may already have opened the next minute; continue in it.
_SAME_MINUTE = ("in_minute >= :minute AND created < :limit", "ADD tasks :tasks, created :one, {tag} :n")
_NEXT_MINUTE = (
    "attribute_not_exists(in_minute) OR in_minute < :minute",
    "SET in_minute = :minute, created = :one ADD tasks :tasks, {tag} :n",
)

LOW_TURNS = 10**12
"""Turns of low priority begin here, behind every turn of normal priority: turns count images."""

_NORMAL_TAG = "finish_tag"
_LOW_TAG = "low_finish_tag"

FRESH_SECONDS = 1.0
"""How long a process uses its last read of the queue: a new caller's turn may be early by that much serving."""


def virtual(turn: int) -> int:
    """A turn on the clock that both priorities share."""
    return turn % LOW_TURNS


@dataclass(frozen=True)
class Ticket:
    """A task's admission.

    Attributes:
        sequence: Its number among its caller's tasks, from 1.
        turn: Its finish tag: the smallest is served first.
    """

    sequence: int
    turn: int


class Admission(TableAccess):
    """Admits tasks, one caller's item at a time."""

    def admit(self, caller: str, n: int, *, per_minute: int, is_low: bool = False) -> Ticket:
        """Admits a task of ``n`` images: one write, and a second one when the caller comes back after a pause.

        How far the queue has been served is read once a second at most.

        Args:
            caller: Whose task it is.
            n: How many images it generates.
            per_minute: How many tasks the caller may create a minute.
            is_low: The task waits behind every task of normal priority. Its caller has a separate tag for such tasks,
                so they do not delay the caller's other tasks.

        Raises:
            TooManyRequests: The caller's minute is used up; nothing has been counted.
        """
        tag = _LOW_TAG if is_low else _NORMAL_TAG
        counted = self._count(caller, per_minute, tasks=1, n=n, tag=tag)
        sequence, turn = int(counted["tasks"]["N"]), int(counted[tag]["N"])
        earliest = self.virtual_time() + n
        if turn < earliest:
            self._catch_up(caller, earliest, tag)
            turn = earliest
        return Ticket(sequence, turn + LOW_TURNS if is_low else turn)

    def count(self, caller: str, *, per_minute: int) -> None:
        """Counts a request that makes no task, but costs as much to serve, against its caller's minute.

        Raises:
            TooManyRequests: The caller's minute is used up.
        """
        self._count(caller, per_minute, tasks=0, n=0)

    def check(self, caller: str, *, per_minute: int) -> None:
        """Refuses a caller whose minute is used up, and counts nothing: one read.

        Raises:
            TooManyRequests: It is.
        """
        now = int(time.time())
        item = self._client.get_item(
            TableName=self._table, Key=items.caller_key(caller), ProjectionExpression="in_minute, created"
        ).get("Item", {})
        if item and int(item["in_minute"]["N"]) >= now // 60 and int(item["created"]["N"]) >= per_minute:
            raise TooManyRequests(per_minute, 60 - now % 60)

    def virtual_time(self) -> int:
        """The turn of the task that last acquired its slots, read at most once a second."""
        return _virtual_time_of(self._table).read(self._client)

    def withdraw(self, caller: str, n: int, *, is_low: bool = False) -> None:
        """Takes ``n`` images that will not be served out of the caller's tag: the next turn comes ``n`` sooner."""
        tag = _LOW_TAG if is_low else _NORMAL_TAG
        # A tag is never less than what was counted into it, unless its item was lost: then nothing is to be mended.
        with contextlib.suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.update_item(
                TableName=self._table,
                Key=items.caller_key(caller),
                UpdateExpression=f"ADD {tag} :back",
                ConditionExpression=f"{tag} >= :n",
                ExpressionAttributeValues=items.values(back=-n, n=n),
            )

    def _count(self, caller: str, per_minute: int, *, tasks: int, n: int, tag: str = _NORMAL_TAG) -> Any:
        now = int(time.time())
        plain = items.values(minute=now // 60, limit=per_minute, one=1, tasks=tasks, n=n)
        # Another request may begin the minute between the first write and the second: then the third one counts.
        for condition, counted in (_SAME_MINUTE, _NEXT_MINUTE, _SAME_MINUTE):
            change = counted.format(tag=tag)
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=items.caller_key(caller),
                    UpdateExpression=change,
                    ConditionExpression=condition,
                    ExpressionAttributeValues={
                        name: value for name, value in plain.items() if name in f"{condition} {change}"
                    },
                    ReturnValues="UPDATED_NEW",
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                continue
            return answer["Attributes"]
        raise TooManyRequests(per_minute, 60 - now % 60)

    def _catch_up(self, caller: str, earliest: int, tag: str) -> None:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=items.caller_key(caller),
                UpdateExpression=f"SET {tag} = :earliest",
                ConditionExpression=f"{tag} < :earliest",
                ExpressionAttributeValues=items.values(earliest=earliest),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            # Another of the caller's tasks has moved the tag further; this one keeps its turn.
            return


class _VirtualTime:
    """The virtual time of a table's queue, as this process last read it."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._virtual_time = 0
        self._read_at = float("-inf")

    def read(self, client: DynamoDBClient) -> int:
        """The turn of the task that last acquired its slots."""
        now = time.monotonic()
        if now - self._read_at >= FRESH_SECONDS:
            answer = client.get_item(TableName=self._table, Key=items.SLOTS_KEY, ProjectionExpression="virtual_time")
            self._virtual_time = int(answer.get("Item", {}).get("virtual_time", {}).get("N", "0"))
            self._read_at = now
        return self._virtual_time


@cache
def _virtual_time_of(table: str) -> _VirtualTime:
    return _VirtualTime(table)
