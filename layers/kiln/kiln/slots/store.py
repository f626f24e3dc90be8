"""The DynamoDB item of the provider's slots. Acquiring and releasing are idempotent, and no slot can leak.

A task of ``n`` images holds ``n`` slots, elements ``<task id>#<number>`` of one string set. The workflow's
``AcquireSlots`` state acquires them by a conditional update; this module releases them and hands them over.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kiln import clock, metrics
from kiln.settings import SlotSettings, load
from kiln.slots.hand_over import (
    HandOver,
    Waiting,
    hand_over,
    in_use,
    is_reserved,
    is_throttled,
    may_hand_over,
    slot_names,
    task_holders,
    throttled_names,
)
from kiln.tasks import items
from kiln.tasks.table import TableAccess

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

THROTTLED_SECONDS = 60
"""How long free slots are throttled after the provider was full below our limit; they come back one after another."""

_RETURN_SECONDS = 15
_CONTENTION_ATTEMPTS = 20


@dataclass(frozen=True)
class SlotState:
    """What the item of the slots says.

    Attributes:
        names: Every slot that is in use, by a task or by none.
        paused_at: When dispatch was paused, in milliseconds since the epoch; 0 while tasks may acquire slots.
    """

    names: frozenset[str] = frozenset()
    paused_at: int = 0

    @property
    def tasks(self) -> list[str]:
        """The ids of the tasks that hold slots."""
        return task_holders(self.names)

    @property
    def held(self) -> int:
        """How many slots tasks hold."""
        return len(self.names) - self.throttled - self.reserved

    @property
    def throttled(self) -> int:
        """How many slots are not used for a while, as the provider was full below our limit."""
        return sum(is_throttled(name) for name in self.names)

    @property
    def reserved(self) -> int:
        """How many slots are reserved for the first task of the queue."""
        return sum(is_reserved(name) for name in self.names)


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
        """The slots that a task of ``n`` images acquires: at most all of the account's."""
        return slot_names(task_id, n, self._limit)

    def room(self, n: int) -> int:
        """How many slots may be in use for a task of ``n`` images still to fit."""
        return self._limit - min(n, self._limit)

    def release(self, task_id: str, n: int) -> list[str]:
        """Releases a task's slots and hands what is free over to the next tasks, in one write.

        A newcomer therefore finds no moment in which it could acquire what a waiting task is due.

        Args:
            task_id: The task that leaves.
            n: How many slots it may hold; 0 to hand free slots over without a release.

        Returns:
            The ids of the tasks that hold all their slots now and are to be woken. After a retry these include tasks
            that were handed their slots before and still wait. One wake-up too many does no harm.
        """
        # All slots that the task could hold are named: the limit may have been different when it acquired them.
        mine = {f"{task_id}#{number}" for number in range(n)}
        for _ in range(_CONTENTION_ATTEMPTS):
            state = self.state()
            after = self._handed_over(state, mine, leaver=task_id if n else "")
            if self._compare_and_set(state, set(after.holders)):
                metrics.record(metrics.SLOTS_HELD, SlotState(after.holders).held)
                return after.complete
        # So many tasks come and go that the set always changes in between. Releasing must not fail, so do only that.
        if not mine:
            return []
        self._client.update_item(
            TableName=self._table,
            Key=items.SLOTS_KEY,
            UpdateExpression="DELETE holders :mine",
            ExpressionAttributeValues={":mine": {"SS": sorted(mine)}},
        )
        return []

    def throttle(self) -> int:
        """Keeps free slots out of use for a while: the provider says that it is full although Kiln has slots left.

        Another system shares the account. The refused task keeps its own slots and tries again; no other task starts in
        the meantime. The slots come back one by one, so that the way back up is not a burst of refusals.

        Returns:
            How many slots were throttled.
        """
        free = self._limit - len(self.state().names)
        if free <= 0:
            return 0
        names = throttled_names(free, int(time.time()) + THROTTLED_SECONDS, _RETURN_SECONDS)
        return free if self._add(names) else 0

    def pause(self) -> int:
        """Lets no task acquire slots from now on; a task that holds its slots continues. Pausing twice is pausing once.

        Returns:
            When dispatch was paused, in milliseconds since the epoch.
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
        """Lets tasks acquire slots again. The caller's next step is to hand free slots over."""
        self._client.update_item(TableName=self._table, Key=items.SLOTS_KEY, UpdateExpression="REMOVE paused_at")

    def state(self) -> SlotState:
        """What the item says, strongly consistent."""
        answer = self._client.get_item(TableName=self._table, Key=items.SLOTS_KEY, ConsistentRead=True)
        item = answer.get("Item", {})
        return SlotState(
            names=frozenset(item.get("holders", {}).get("SS", [])),
            paused_at=int(item.get("paused_at", {}).get("N", "0")),
        )

    def _handed_over(self, state: SlotState, mine: set[str], *, leaver: str) -> HandOver:
        """Who holds slots once a task's own are released."""
        holders = in_use(state.names - mine, int(time.time()))
        # The slots are already released, so this is a retry. The first run may have stopped before it woke a task.
        is_retry = not mine & state.names
        is_paused = bool(state.paused_at)
        is_free = not is_paused and may_hand_over(holders, self._limit)
        if not (is_free or is_retry):
            return HandOver(frozenset(holders), [])
        queue = self._queue(max(self._limit - len(holders), 0))
        after = hand_over(holders, queue, self._limit, leaver=leaver, is_retry=is_retry, is_paused=is_paused)
        ahead = {each.task_id for each in queue} - {leaver, *after.complete}
        metrics.record(metrics.TASKS_WAITING, sum(f"{task_id}#0" not in holders for task_id in ahead))
        return after

    def _queue(self, free: int) -> list[Waiting]:
        """The first tasks of the queue: past all that may already hold slots, and as many as could get some."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=items.BY_TURN,
            KeyConditionExpression="queue = :waiting",
            ExpressionAttributeValues=items.values(waiting=items.WAITING),
            Limit=self._limit + free + 1,
        )
        return [Waiting(item["task_id"]["S"], int(item["n"]["N"])) for item in answer["Items"]]

    def _compare_and_set(self, state: SlotState, after: set[str]) -> bool:
        """Writes the whole set if it is still the one that was read, and dispatch is as paused as it was then."""
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

    def _add(self, names: list[str]) -> bool:
        """Adds names to the set, unless fewer slots are free by now."""
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
