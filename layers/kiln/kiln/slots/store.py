"""The DynamoDB item of the slots of all accounts. Acquiring and releasing are idempotent, and no slot can leak.

A task of ``n`` images holds ``n`` slots of one account, elements of one string set. The step ``Dispatch`` acquires them
by one conditional write. The accounts and their limits are read with the slots, so a change is in force at once.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kiln import clock, metrics
from kiln.provider.accounts import known_accounts
from kiln.provider.credentials import DEFAULT_ACCOUNT
from kiln.slots.gate_rule import GateState
from kiln.slots.hand_over import (
    HandOver,
    choose,
    free_slots,
    hand_over,
    in_use,
    may_hand_over,
    slot_names,
    throttled_names,
)
from kiln.slots.pools import Pool, fitting, open_slots, pools_of
from kiln.slots.state import SlotState
from kiln.slots.waiting_tasks import WaitingTasks
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
    """The slots of all provider accounts.

    Args:
        client: A DynamoDB client.
        table_name: The table.
        limit: The slots of the account ``default``, as the only one; the accounts of the secret if omitted.
    """

    def __init__(
        self, client: DynamoDBClient | None = None, table_name: str | None = None, limit: int | None = None
    ) -> None:
        super().__init__(client, table_name)
        self._limit = limit
        self._waiting = WaitingTasks(client, table_name)

    @property
    def limit(self) -> int:
        """How many slots there are for new tasks."""
        return open_slots(self.pools())

    def pools(self, state: SlotState | None = None) -> list[Pool]:
        """The pools of slots at this moment.

        Args:
            state: It names the accounts that are closed; no account is if omitted.
        """
        if self._limit:
            return [Pool(self._limit)]
        return pools_of(known_accounts(), state.closed if state else ())

    def acquire(self, task: Task, state: SlotState | None = None) -> str | None:
        """Acquires the slots of a task, unless too few are free or dispatch is paused. Twice is as good as once.

        Args:
            task: The task.
            state: What the item said a moment ago; it is read if not given.

        Returns:
            The account at which the task holds its slots; ``None`` if it holds none.
        """
        for attempt in range(_CONTENTION_ATTEMPTS):
            state = state or self.state()
            held_at = state.account_of(task.task_id)
            if held_at is not None:
                return held_at
            free = free_slots(state.names, self.pools(state))
            pool = None if state.paused_at else choose(free, task.n, task.model_name, task.account)
            if pool is None:
                return None
            names = slot_names(task.task_id, task.n, pool)
            turn = max(virtual(task.turn), state.virtual_time)
            if self._add(names, pool, state, virtual_time=turn):
                metrics.record(metrics.SLOTS_HELD, state.held + len(names))
                return pool.account
            state = None
            _back_off(attempt)
        raise RuntimeError(f"slots: expected a quiet moment within {_CONTENTION_ATTEMPTS} attempts, got none")

    def release(self, task_id: str, n: int, *, is_queued: bool = False) -> list[str]:
        """Releases a task's slots and hands what is free over to the next tasks, in one write.

        A newcomer therefore finds no moment in which it could acquire what a waiting task is due.

        Args:
            task_id: The task that leaves.
            n: How many images it has; 0 to hand free slots over without a release.
            is_queued: Whether the task is back in the queue, and may get other slots.

        Returns:
            The ids of the tasks that hold all their slots now and are to be woken. After a retry these include tasks
            that were handed their slots before and still wait. One wake-up too many does no harm.
        """
        mine: set[str] = set()
        for attempt in range(_CONTENTION_ATTEMPTS):
            state = self.state()
            # Whatever it holds, at whichever account: limits may have been different when it acquired it.
            mine = {name for name in state.names if n and name.partition("#")[0] == task_id}
            after = self._handed_over(state, mine, leaver=task_id if n and not is_queued else "")
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

    def throttle(self, task: Task | None = None) -> int:
        """Keeps free slots out of use for a while: the provider says that it is full although Kiln has slots left.

        Another system shares the account. The refused task keeps its own slots and tries again; no other task starts in
        the meantime. The slots come back one by one, so that the way back up is not a burst of refusals.

        Args:
            task: The refused task; its account's slots for its model are throttled.

        Returns:
            How many slots were throttled.
        """
        state = self.state()
        account, model = (task.at, task.model_name) if task else (DEFAULT_ACCOUNT, "")
        pools = fitting(self.pools(state), 1, model, account)
        free = free_slots(state.names, pools)[pools[0]] if pools else 0
        if free <= 0:
            return 0
        names = throttled_names(free, int(time.time()) + THROTTLED_SECONDS, _RETURN_SECONDS, pools[0].suffix)
        return free if self._add(names, pools[0], state) else 0

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
        """Reads the item, strongly consistent; with several accounts, their gates too."""
        names = self.account_names()
        if len(names) > 1:
            return self._read(names)[0]
        answer = self._client.get_item(TableName=self._table, Key=items.SLOTS_KEY, ConsistentRead=True)
        return SlotState.of(answer.get("Item", {}))

    def state_task_and_gates(self, task_id: str) -> tuple[SlotState, Task | None, dict[str, GateState]]:
        """Reads the item, a task (``None`` if it is not stored) and the gates for creates, in one consistent read."""
        state, gates, found = self._read(self.account_names(), items.task_key(task_id))
        return state, items.task_of(found) if found else None, gates

    def has_other(self, task: Task) -> bool:
        """Whether another account takes tasks of this one's model: it does not drain, and the provider accepts it."""
        known = [] if self._limit else known_accounts()
        others = [each for each in known if each.name != task.at and not each.is_draining]
        if not others:
            return False
        gates = self._read([each.name for each in others])[1]
        refused = [name for name, gate in gates.items() if gate.closed_at and gate.is_refused]
        return bool(fitting(pools_of(others, refused), task.n, task.model_name))

    def account_names(self) -> list[str]:
        """The names of the accounts, draining ones too."""
        return list(dict.fromkeys(pool.account for pool in self.pools()))

    def _read(
        self, names: list[str], also: items.Item | None = None
    ) -> tuple[SlotState, dict[str, GateState], items.Item]:
        keys = [items.SLOTS_KEY, *(items.gate_key(name, "create") for name in names), *([also] if also else [])]
        answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
        if answer.get("UnprocessedKeys"):
            raise RuntimeError("slots: expected DynamoDB to read a few items at once, got a part")
        found = {item["pk"]["S"]: item for item in answer["Responses"][self._table]}
        slots, *read = (found.get(key["pk"]["S"], {}) for key in keys)
        gates = {name: GateState.of(item) for name, item in zip(names, read, strict=False)}
        closed = {name for name, gate in gates.items() if gate.keeps_out(clock.milliseconds())}
        # With one account there is nowhere else to go: its tasks wait with their slots.
        state = SlotState.of(slots, frozenset(closed) if len(names) > 1 else frozenset())
        return state, gates, read[-1] if also else {}

    def _handed_over(self, state: SlotState, mine: set[str], *, leaver: str) -> HandOver:
        """Returns the holders of slots after a task's own are released."""
        holders = in_use(state.names - mine, int(time.time()))
        # The slots are already released, so this is a retry. The first run may have stopped before it woke a task.
        is_retry = not mine & state.names
        is_paused = bool(state.paused_at)
        pools = self.pools(state)
        is_free = not is_paused and may_hand_over(holders, pools)
        if not (is_free or is_retry):
            return HandOver(frozenset(holders), [])
        queue = self._waiting.first(pools, free_slots(holders, pools), state)
        after = hand_over(holders, queue, pools, leaver=leaver, is_retry=is_retry, is_paused=is_paused)
        served = [virtual(each.turn) for each in queue if each.task_id in after.complete]
        return replace(after, virtual_time=max(served, default=0))

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

    def _add(self, names: list[str], pool: Pool, state: SlotState, *, virtual_time: int = 0) -> bool:
        """Adds names to the set, unless fewer slots of the pool are free by now."""
        values: Any = {":mine": {"SS": names}}
        if all(map(pool.owns, state.names)) and len(self.pools()) == 1:
            condition = "(attribute_not_exists(holders) OR size(holders) <= :room)"
            values |= items.values(room=pool.limit - len(names))
        elif state.names:
            # A condition cannot count the slots of one pool, so the set has to be the one that was read.
            condition = "holders = :before"
            values[":before"] = {"SS": sorted(state.names)}
        else:
            condition = "attribute_not_exists(holders)"
        if virtual_time:
            condition += " AND attribute_not_exists(paused_at)"
            values |= items.values(turn=virtual_time)
        try:
            self._client.update_item(
                TableName=self._table,
                Key=items.SLOTS_KEY,
                UpdateExpression="SET virtual_time = :turn ADD holders :mine" if virtual_time else "ADD holders :mine",
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _back_off(attempt: int) -> None:
    """Waits for a random moment, so that writers of the one item do not meet again."""
    time.sleep(random.uniform(0, _CONTENTION_SECONDS * (attempt + 1)))  # noqa: S311 - spreads retries, hides nothing
