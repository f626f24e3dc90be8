"""The gate of a provider account: a DynamoDB item by which all tasks know what one has learned of the provider.

Creates and queries have a gate each: an account in arrears takes no tasks, but still answers for the running ones.
A task asks ``admits`` before it calls the provider, and reports with ``learn`` what the call taught. While the gate is
open and no call fails, that is one read at most and no write.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from kiln import clock
from kiln.slots.gate_rule import FIRST_PROBE_SECONDS, LEASE_SECONDS, GateState, Lesson, probe_seconds
from kiln.tasks import items
from kiln.tasks.table import TableAccess

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REASON_CHARACTERS = 500


class Calls(StrEnum):
    """The calls that a gate is for."""

    CREATE = "create"
    QUERY = "query"


@dataclass(frozen=True)
class Advice:
    """How a task continues after its call.

    Attributes:
        has_opened: Whether the call has opened the gate: the task wakes the others.
        is_closed: Whether the gate is closed.
        probe_after: Seconds until the task's next probe; 0 if another task probes, or the gate is open.
    """

    has_opened: bool = False
    is_closed: bool = False
    probe_after: int = 0


class Gate(TableAccess):
    """The gate of one account for one kind of calls, as one task sees it during one step.

    Args:
        calls: What the gate is for.
        account: The provider account.
        client: A DynamoDB client.
        table_name: The table.
    """

    def __init__(
        self,
        calls: Calls,
        account: str = "default",
        client: DynamoDBClient | None = None,
        table_name: str | None = None,
    ) -> None:
        super().__init__(client, table_name)
        self.key = items.gate_key(account, calls.value)
        self._is_probe = False
        self.seen = GateState()
        """The item as it was when it was last read."""

    def state(self) -> GateState:
        """Reads the item, strongly consistent."""
        answer = self._client.get_item(TableName=self._table, Key=self.key, ConsistentRead=True)
        return GateState.of(answer.get("Item", {}))

    def admits(self, task_id: str, state: GateState | None = None, *, takes_over: bool = False) -> bool:
        """Whether a task may call the provider now. One conditional write claims a due probe; a claim expires.

        Args:
            task_id: The task.
            state: What the item said a moment ago; it is read if not given.
            takes_over: Whether it may become the prober although another one is at work.
        """
        self.seen = state or self.state()
        if not self.seen.closed_at:
            return True
        now = clock.milliseconds()
        if not (takes_over or self.seen.may_probe(task_id, now)):
            return False
        self._is_probe = self._change(
            "SET prober = :me, probe_at = :lease",
            "closed_at = :closed AND prober = :before AND probe_at = :due",
            me=task_id,
            lease=now + LEASE_SECONDS * 1_000,
            closed=self.seen.closed_at,
            before=self.seen.prober,
            due=self.seen.probe_at,
        )
        return self._is_probe

    def learn(self, task_id: str, lesson: Lesson, reason: str = "") -> Advice:
        """Records what a call taught, so that every task knows it.

        Args:
            task_id: The task that made the call.
            lesson: What it says about the provider.
            reason: The failure in words.
        """
        reason = reason[:REASON_CHARACTERS]
        if self._is_probe:
            if self.seen.opens(lesson):
                return Advice(has_opened=self._open(task_id))
            return self._put_off(task_id, lesson, reason)
        if lesson in (Lesson.PASSED, Lesson.ANSWERED):
            if self.seen.failures:
                self._change("REMOVE failures", "attribute_not_exists(closed_at)")
            return Advice()
        answer = self._client.update_item(
            TableName=self._table,
            Key=self.key,
            UpdateExpression="SET reason = :reason ADD failures :one",
            ExpressionAttributeValues=items.values(reason=reason, one=1),
            ReturnValues="ALL_NEW",
        )
        self.seen = GateState.of(answer["Attributes"])
        if self.seen.closes(lesson) and self._close(task_id, lesson):
            return Advice(is_closed=True, probe_after=FIRST_PROBE_SECONDS)
        return Advice(is_closed=self.seen.closed_at > 0)

    def hand_over(self, task_id: str, to: str) -> bool:
        """Makes another task the prober, unless the gate has opened or another task probes; says whether it did."""
        return self._change("SET prober = :to", "prober = :me AND attribute_exists(closed_at)", me=task_id, to=to)

    def all_woken(self) -> None:
        """Records that the tasks that waited for the gate are woken."""
        self._change("REMOVE opened_at", "attribute_not_exists(closed_at)")

    def _close(self, task_id: str, lesson: Lesson) -> bool:
        now = clock.milliseconds()
        is_first = self._change(
            "SET closed_at = :now, is_refused = :refused, prober = :me, probe_at = :due REMOVE probes, opened_at",
            "attribute_not_exists(closed_at)",
            now=now,
            me=task_id,
            due=now + FIRST_PROBE_SECONDS * 1_000,
            refused=lesson is Lesson.REFUSED,
        )
        self.seen = self.state()
        return is_first

    def _put_off(self, task_id: str, lesson: Lesson, reason: str) -> Advice:
        """Records a failed probe. The next one is the same task's."""
        seconds = probe_seconds(self.seen.probes + 1)
        is_mine = self._change(
            "SET probe_at = :due, reason = :reason, is_refused = :refused ADD probes :one",
            "prober = :me AND attribute_exists(closed_at)",
            due=clock.milliseconds() + seconds * 1_000,
            reason=reason,
            refused=self.seen.is_refused or lesson is Lesson.REFUSED,
            one=1,
            me=task_id,
        )
        return Advice(is_closed=True, probe_after=seconds if is_mine else 0)

    def _open(self, task_id: str) -> bool:
        return self._change(
            "SET opened_at = :now REMOVE closed_at, failures, is_refused, prober, probe_at, probes",
            "prober = :me AND attribute_exists(closed_at)",
            now=clock.milliseconds(),
            me=task_id,
        )

    def _change(self, expression: str, condition: str, **named: Any) -> bool:
        """Writes, unless the condition does not hold; says whether it wrote."""
        values: Any = {"ExpressionAttributeValues": items.values(**named)} if named else {}
        try:
            self._client.update_item(
                TableName=self._table,
                Key=self.key,
                UpdateExpression=expression,
                ConditionExpression=condition,
                **values,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True
