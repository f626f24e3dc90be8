"""The DynamoDB item of the provider's slots. Acquiring and releasing are idempotent, and no slot can leak.

A task of ``n`` images holds ``n`` slots, elements ``<task id>#<number>`` of one string set. The step ``Dispatch``
acquires them by one conditional write. The limit is read where the slots are, so a changed limit is in force at once.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kiln import clock, metrics
from kiln.settings import SlotSettings, load
from kiln.slots.gate_rule import GateState
from kiln.slots.hand_over import (
    HandOver,
    Waiting,
    hand_over,
    has_room,
    in_use,
    may_hand_over,
    room,
    slot_names,
    throttled_names,
)
from kiln.slots.state import SlotState
from kiln.tasks import items
from kiln.tasks.admission import virtual
from kiln.tasks.table import TableAccess
from kiln.tasks.task import Task

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

THROTTLED_SECONDS = 60
"""How long free slots are throttled after the provider was full below our limit; they come back one after another."""

_RETURN_SECONDS = 15
_CONTENTION_ATTEMPTS = 20
_CONTENTION_SECONDS = 0.005
"""The longest wait before the second attempt; each later one may wait so much longer."""


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

    @property
    def limit(self) -> int:
        """How many slots there are."""
        return self._limit

    def acquire(self, task: Task, state: SlotState | None = None) -> bool:
        """Acquires the slots of a task, unless too few are free or dispatch is paused. Twice is as good as once.

        Args:
            task: The task.
            state: What the item said a moment ago; it is read if not given.

        Returns:
            Whether the task holds its slots.
        """
        names = slot_names(task.task_id, task.n, self._limit)
        for attempt in range(_CONTENTION_ATTEMPTS):
            state = state or self.state()
            if state.is_held_by(task.task_id):
                return True
            if state.paused_at or not has_room(state.names, task.n, self._limit):
                return False
            if self._add(
                names, "attribute_not_exists(paused_at)", virtual_time=max(virtual(task.turn), state.virtual_time)
            ):
                metrics.record(metrics.SLOTS_HELD, state.held + len(names))
                return True
            state = None
            _back_off(attempt)
        raise RuntimeError(f"slots: expected a quiet moment within {_CONTENTION_ATTEMPTS} attempts, got none")

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
        for attempt in range(_CONTENTION_ATTEMPTS):
            state = self.state()
            after = self._handed_over(state, mine, leaver=task_id if n else "")
            if self._compare_and_set(state, after):
                metrics.record(metrics.SLOTS_HELD, SlotState(after.holders).held)
                return after.complete
            _back_off(attempt)
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
        """Reads the item, strongly consistent."""
        answer = self._client.get_item(TableName=self._table, Key=items.SLOTS_KEY, ConsistentRead=True)
        return SlotState.of(answer.get("Item", {}))

    def state_task_and_gate(self, task_id: str, gate_key: items.Item) -> tuple[SlotState, Task | None, GateState]:
        """Reads the item, a task (``None`` if it is not stored) and a gate in one strongly consistent read."""
        keys = [items.SLOTS_KEY, items.task_key(task_id), gate_key]
        answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
        if answer.get("UnprocessedKeys"):
            raise RuntimeError("slots: expected DynamoDB to read three items at once, got a part")
        found = {item["pk"]["S"]: item for item in answer["Responses"][self._table]}
        slots, task, gate = (found.get(key["pk"]["S"], {}) for key in keys)
        return SlotState.of(slots), items.task_of(task) if task else None, GateState.of(gate)

    def _handed_over(self, state: SlotState, mine: set[str], *, leaver: str) -> HandOver:
        """Returns the holders of slots after a task's own are released."""
        holders = in_use(state.names - mine, int(time.time()))
        # The slots are already released, so this is a retry. The first run may have stopped before it woke a task.
        is_retry = not mine & state.names
        is_paused = bool(state.paused_at)
        is_free = not is_paused and may_hand_over(holders, self._limit)
        if not (is_free or is_retry):
            return HandOver(frozenset(holders), [])
        queue = self._queue(max(self._limit - len(holders), 0))
        after = hand_over(holders, queue, self._limit, leaver=leaver, is_retry=is_retry, is_paused=is_paused)
        served = [virtual(each.turn) for each in queue if each.task_id in after.complete]
        return replace(after, virtual_time=max(served, default=0))

    def _queue(self, free: int) -> list[Waiting]:
        """The first tasks of the queue: past all that may already hold slots, and as many as could get some."""
        answer = self._client.query(
            TableName=self._table,
            IndexName=items.BY_TURN,
            KeyConditionExpression="queue = :waiting",
            ExpressionAttributeValues=items.values(waiting=items.WAITING),
            Limit=self._limit + free + 1,
        )
        return [Waiting(item["task_id"]["S"], int(item["n"]["N"]), int(item["turn"]["N"])) for item in answer["Items"]]

    def _compare_and_set(self, state: SlotState, handed: HandOver) -> bool:
        """Writes the whole set if it is still the one that was read, and dispatch is as paused as it was then."""
        before, after = state.names, handed.holders
        if after == before:
            return True
        unchanged = "holders = :before" if before else "attribute_not_exists(holders)"
        paused = "attribute_exists(paused_at)" if state.paused_at else "attribute_not_exists(paused_at)"
        values = {":before": {"SS": sorted(before)}} if before else {}
        changes = []
        if after:
            changes.append("holders = :after")
            values[":after"] = {"SS": sorted(after)}
        if handed.virtual_time > state.virtual_time:
            changes.append("virtual_time = :turn")
            values |= items.values(turn=handed.virtual_time)
        expression = f"SET {', '.join(changes)}" if changes else ""
        request: Any = {"ExpressionAttributeValues": values} if values else {}
        try:
            self._client.update_item(
                TableName=self._table,
                Key=items.SLOTS_KEY,
                UpdateExpression=expression if after else f"{expression} REMOVE holders".strip(),
                ConditionExpression=f"{unchanged} AND {paused}",
                **request,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _add(self, names: list[str], condition: str = "", *, virtual_time: int = 0) -> bool:
        """Adds names to the set, unless fewer slots are free by now."""
        fits = "(attribute_not_exists(holders) OR size(holders) <= :room)"
        values = {":mine": {"SS": names}, **items.values(room=room(len(names), self._limit))}
        if virtual_time:
            values |= items.values(turn=virtual_time)
        try:
            self._client.update_item(
                TableName=self._table,
                Key=items.SLOTS_KEY,
                UpdateExpression="SET virtual_time = :turn ADD holders :mine" if virtual_time else "ADD holders :mine",
                ConditionExpression=f"{fits} AND {condition}" if condition else fits,
                ExpressionAttributeValues=values,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _back_off(attempt: int) -> None:
    """Waits for a random moment, so that writers of the one item do not meet again."""
    time.sleep(random.uniform(0, _CONTENTION_SECONDS * (attempt + 1)))  # noqa: S311 - spreads retries, hides nothing
