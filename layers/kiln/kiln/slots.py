"""The provider's slots: one DynamoDB item holds who has which: taking and giving back are idempotent and cannot leak.

A task of ``n`` images holds ``n`` slots, written ``<task id>#<number>`` in one string set. Taking is the workflow's
``TakeSlot`` state (a conditional update); this module gives back and hands the freed slots to those next in line.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kiln import clock, metrics
from kiln.settings import SlotSettings, load
from kiln.tasks import items
from kiln.tasks.table import TableAccess

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LOWERED_SECONDS = 60
"""How long free slots are kept back after the provider was full below our limit; they come back one after another."""

_RETURN_SECONDS = 15
_BLOCKED = "blocked"
_RESERVED = "reserved"
_CONTENTION_TRIES = 20


@dataclass(frozen=True)
class SlotState:
    """What the item of the slots says.

    Attributes:
        names: Every slot that is taken, by whomever.
        paused_at: Since when no task gets slots (milliseconds since the epoch); 0 when they do.
    """

    names: frozenset[str] = frozenset()
    paused_at: int = 0

    @property
    def tasks(self) -> list[str]:
        """The ids of the tasks that hold slots."""
        return sorted({name.partition("#")[0] for name in self.names} - {_BLOCKED, _RESERVED})

    @property
    def held(self) -> int:
        """How many are held by tasks."""
        return len(self.names) - self.kept_back - self.reserved

    @property
    def kept_back(self) -> int:
        """How many are kept back as the provider was full below our limit."""
        return sum(_is_kept_back(name) for name in self.names)

    @property
    def reserved(self) -> int:
        """How many are gathered for the first in line."""
        return sum(name.startswith(f"{_RESERVED}#") for name in self.names)


class Slots(TableAccess):
    """The slots of one provider account.

    Args:
        client: A DynamoDB client.
        table_name: The table.
        limit: How many slots the provider's resource pack has.
    """

    def __init__(
        self, client: DynamoDBClient | None = None, table_name: str | None = None, limit: int | None = None
    ) -> None:
        super().__init__(client, table_name)
        self._limit = limit or load(SlotSettings).provider_slots

    def names(self, task_id: str, n: int) -> list[str]:
        """The slots that a task of ``n`` images takes: all of the account's at most."""
        return [f"{task_id}#{number}" for number in range(min(n, self._limit))]

    def room(self, n: int) -> int:
        """How many slots may be taken already for a task of ``n`` images still to fit."""
        return self._limit - min(n, self._limit)

    def release(self, task_id: str, n: int) -> list[str]:
        """Gives a task's slots back and hands what is free to those next in line, in one write.

        In between there is no moment in which a newcomer could take what someone in line has waited for.

        Args:
            task_id: The task that leaves.
            n: How many slots it may hold; 0 to look after the line without giving anything back.

        Returns:
            The ids of the tasks that now have all their slots and are to be woken; when this is not the first time,
            those too that were handed theirs before and have not gone on. A bell too many does no harm.
        """
        # Every slot the task could hold is named: the limit may have been another when it took them.
        mine = {f"{task_id}#{number}" for number in range(n)}
        for _ in range(_CONTENTION_TRIES):
            state = self.state()
            taken, is_paused = set(state.names), bool(state.paused_at)
            kept = _without_expired(taken - mine)
            # Whose slots are gone already is here again: the first time it may have gone before it woke anybody.
            is_again = not mine & taken
            free = 0 if is_paused else self._limit - len(kept)
            given, complete = self._next_in_line(kept, free, leaver=task_id if n else "", is_again=is_again)
            if not is_paused and kept and not complete and all(_is_kept_back(name) for name in kept):
                # Nobody runs and nobody can start: nobody would ever come by to let go of what is kept back.
                kept = set()
                given, complete = self._next_in_line(kept, self._limit, leaver=task_id if n else "", is_again=is_again)
            if self._exchange(state, kept | set(given)):
                metrics.record(metrics.SLOTS_HELD, SlotState(frozenset(kept | set(given))).held)
                return complete
        # So many come and go that the set is never the one that was read: what must not fail is giving back.
        if not mine:
            return []
        self._client.update_item(
            TableName=self._table,
            Key=items.SLOTS_KEY,
            UpdateExpression="DELETE holders :mine",
            ExpressionAttributeValues={":mine": {"SS": sorted(mine)}},
        )
        return []

    def lower(self) -> int:
        """Keeps back every free slot for a while: the provider says that it is full though we are not.

        Another system shares the account. The task that was refused keeps its own slots and tries again; nobody new is
        let in meanwhile. The slots come back one by one, so that the way back up is not a burst of refusals.

        Returns:
            How many were kept back.
        """
        free = self._limit - len(self.holders())
        if free <= 0:
            return 0
        until = int(time.time()) + LOWERED_SECONDS
        kept = [f"{_BLOCKED}#{until + number * _RETURN_SECONDS}#{number}" for number in range(free)]
        return free if self._give(kept) else 0

    def pause(self) -> int:
        """Lets no task take slots from here on; who has its slots goes on. Pausing twice is pausing once.

        Returns:
            Since when, in milliseconds since the epoch.
        """
        answer = self._client.update_item(
            TableName=self._table,
            Key=items.SLOTS_KEY,
            UpdateExpression="SET paused_at = if_not_exists(paused_at, :now)",
            ExpressionAttributeValues=items.values(now=clock.milliseconds()),
            ReturnValues="ALL_NEW",
        )
        return int(answer["Attributes"]["paused_at"]["N"])

    def resume(self) -> None:
        """Lets tasks take slots again; handing out what is free to those who wait is the caller's next step."""
        self._client.update_item(TableName=self._table, Key=items.SLOTS_KEY, UpdateExpression="REMOVE paused_at")

    def holders(self) -> set[str]:
        """The slots that are taken, strongly consistent."""
        return set(self.state().names)

    def state(self) -> SlotState:
        """What the item says, strongly consistent."""
        answer = self._client.get_item(TableName=self._table, Key=items.SLOTS_KEY, ConsistentRead=True)
        item = answer.get("Item", {})
        return SlotState(
            names=frozenset(item.get("holders", {}).get("SS", [])),
            paused_at=int(item.get("paused_at", {}).get("N", "0")),
        )

    def _exchange(self, state: SlotState, after: set[str]) -> bool:
        """Writes the whole set if it is still the one that was read, and if dispatch is paused only if it was then."""
        before = state.names
        if after == before:
            return True
        unchanged = "holders = :before" if before else "attribute_not_exists(holders)"
        paused = "attribute_exists(paused_at)" if state.paused_at else "attribute_not_exists(paused_at)"
        values = {":before": {"SS": sorted(before)}} if before else {}
        if after:
            values[":after"] = {"SS": sorted(after)}
        request: Any = {"ExpressionAttributeValues": values} if values else {}
        try:
            self._client.update_item(
                TableName=self._table,
                Key=items.SLOTS_KEY,
                UpdateExpression="SET holders = :after" if after else "REMOVE holders",
                ConditionExpression=f"{unchanged} AND {paused}",
                **request,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _give(self, names: list[str]) -> bool:
        """Takes free slots, unless there are no longer as many."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=items.SLOTS_KEY,
                UpdateExpression="ADD holders :given",
                ConditionExpression="attribute_not_exists(holders) OR size(holders) <= :room",
                ExpressionAttributeValues={":given": {"SS": names}, ":room": {"N": str(self._limit - len(names))}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _next_in_line(self, taken: set[str], free: int, *, leaver: str, is_again: bool) -> tuple[list[str], list[str]]:
        """Which slots go to whom: first come first served, each task all of its slots or none.

        Where the first in line needs more than are free, what is free is reserved, in nobody's name: newcomers find it
        taken, and the next to leave deals it out afresh. So nobody sits on a part of what it needs.
        """
        given: list[str] = []
        complete: list[str] = []
        if free <= 0 and not is_again:
            return given, complete
        waiting = self._client.query(
            TableName=self._table,
            IndexName=items.BY_TURN,
            KeyConditionExpression="queue = :waiting",
            ExpressionAttributeValues=items.values(waiting=items.WAITING),
            # Some of those in line have their slots and are on their way to Dispatch: look past all there can be.
            Limit=self._limit + max(free, 0) + 1,
        )
        for item in waiting["Items"]:
            task_id, n = item["task_id"]["S"], int(item["n"]["N"])
            if task_id == leaver:
                continue  # The index lags behind: this one is on its way out.
            names = self.names(task_id, n)
            if names[0] in taken:
                complete += [task_id] if is_again else []
            elif len(names) <= free:
                given += names
                complete.append(task_id)
                free -= len(names)
            elif free > 0:
                given += [f"{_RESERVED}#{number}" for number in range(free)]
                free = 0
        # As far as they were looked at: so many, or more.
        ahead = {item["task_id"]["S"] for item in waiting["Items"]} - {leaver, *complete}
        metrics.record(metrics.TASKS_WAITING, sum(f"{task_id}#0" not in taken for task_id in ahead))
        return given, complete


def _is_kept_back(name: str) -> bool:
    return name.startswith(f"{_BLOCKED}#")


def _without_expired(taken: set[str]) -> set[str]:
    """Who holds slots once what was kept back long enough is let go, and what was reserved is dealt out afresh."""
    now = int(time.time())
    held = {name for name in taken if not name.startswith(f"{_RESERVED}#")}
    return {name for name in held if not (_is_kept_back(name) and int(name.split("#")[1]) <= now)}
