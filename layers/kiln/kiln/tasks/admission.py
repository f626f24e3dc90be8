"""Admits a task: its number in its caller's list, the caller's limit a minute, its turn in the queue.

The queue is fair between callers (start-time fair queueing). A caller's next task comes ``n`` after its last one, but
not before the turn that is served now. A caller with 900 waiting tasks does not hold up a caller with five.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from kiln.errors import TooManyRequests
from kiln.tasks import items
from kiln.tasks.table import TableAccess

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Another request may already have opened the next minute; continue in it.
_SAME_MINUTE = ("in_minute >= :minute AND created <= :room", "ADD tasks :tasks, created :created{tags}")
_NEXT_MINUTE = (
    "attribute_not_exists(in_minute) OR in_minute < :minute",
    "SET in_minute = :minute, created = :created ADD tasks :tasks{tags}",
)

LOW_TURNS = 10**12
"""Turns of low priority begin here, behind every turn of normal priority: turns count images."""

_NORMAL_TAG = "finish_tag"
_LOW_TAG = "low_finish_tag"

FRESH_SECONDS = 1.0
"""How long a process uses its last read of the queue: a new caller's turn may be early by that much serving."""


def _tag(is_low: bool) -> str:
    return _LOW_TAG if is_low else _NORMAL_TAG


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
        return self.admit_all(caller, [(n, is_low)], per_minute=per_minute)[0]

    def admit_all(
        self, caller: str, jobs: Sequence[tuple[int, bool]], *, per_minute: int, refused: int = 0
    ) -> list[Ticket]:
        """Admits several tasks together, or none of them, with the writes of one.

        Args:
            caller: Whose tasks they are.
            jobs: Of each, how many images it generates, and whether it is of low priority.
            per_minute: How many tasks the caller may create a minute; at least as many as there are jobs.
            refused: Jobs that become no task, and count against the minute too.

        Raises:
            TooManyRequests: The caller's minute has no room for all; nothing has been counted.
        """
        images: dict[str, int] = {}
        for n, is_low in jobs:
            images[_tag(is_low)] = images.get(_tag(is_low), 0) + n
        counted = self._count(caller, per_minute, tasks=len(jobs), created=len(jobs) + refused, images=images)
        sequence = int(counted["tasks"]["N"]) - len(jobs)
        served: dict[str, int] = {}
        for tag, n in images.items():
            last, earliest = int(counted[tag]["N"]), self.virtual_time() + n
            if last < earliest:
                self._catch_up(caller, earliest, tag)
            served[tag] = max(last, earliest) - n
        tickets = []
        for number, (n, is_low) in enumerate(jobs, start=1):
            turn = served[_tag(is_low)] = served[_tag(is_low)] + n
            tickets.append(Ticket(sequence + number, turn + LOW_TURNS if is_low else turn))
        return tickets

    def count(self, caller: str, *, per_minute: int, kind: type[TooManyRequests] = TooManyRequests) -> None:
        """Counts a request that makes no task, but costs as much to serve, against its caller's minute.

        Args:
            caller: Its name.
            per_minute: How many requests of the kind it may send a minute.
            kind: The refusal; it names the counter, if that is not the one of tasks.

        Raises:
            TooManyRequests: The caller's minute is used up.
        """
        # No caller's name has a "#" in it: such a counter is beside the one of its tasks.
        counter = f"{caller}#{kind.counter}" if kind.counter else caller
        try:
            self._count(counter, per_minute)
        except TooManyRequests as refusal:
            raise kind(per_minute, refusal.retry_after) from None

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
        tag = _tag(is_low)
        # A tag is never less than what was counted into it, unless its item was lost: then nothing is to be mended.
        with contextlib.suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.update_item(
                TableName=self._table,
                Key=items.caller_key(caller),
                UpdateExpression=f"ADD {tag} :back",
                ConditionExpression=f"{tag} >= :n",
                ExpressionAttributeValues=items.values(back=-n, n=n),
            )

    def _count(
        self, caller: str, per_minute: int, *, tasks: int = 0, created: int = 1, images: Mapping[str, int] | None = None
    ) -> Any:
        now = int(time.time())
        images = images or {}
        tags = "".join(f", {tag} :{tag}" for tag in images)
        numbers = {"minute": now // 60, "room": per_minute - created, "created": created, "tasks": tasks, **images}
        plain = items.values(**numbers)
        # Another request may begin the minute between the first write and the second: then the third one counts.
        for condition, counted in (_SAME_MINUTE, _NEXT_MINUTE, _SAME_MINUTE):
            change = counted.format(tags=tags)
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
