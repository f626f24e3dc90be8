"""What is remembered of dropped folders: whose a folder's answer is, and which jobs of a list have ended."""

from __future__ import annotations

from kiln import clock
from kiln.settings import TableSettings, load
from kiln.tasks import items
from kiln.tasks.table import TableAccess

REFUSED = "refused"
"""Stands for a task where a folder's newest content made none."""


class DropLedger(TableAccess):
    """The memory of drops, in the table of the tasks and for as long."""

    def expect(self, folder: str, task_id: str, seen_at: int) -> bool:
        """Notes that a folder's ``result.json`` is to be this task's.

        Args:
            folder: Of the outbox.
            task_id: The task, or ``REFUSED``.
            seen_at: When the inbox was looked at, in milliseconds since the epoch: what was seen later counts.

        Returns:
            Whether nobody has seen newer content there.
        """
        try:
            self._client.update_item(
                TableName=self._table,
                Key=items.drop_key(folder),
                UpdateExpression="SET newest = :newest, seen_at = :seen_at, expires_at = :expires",
                ConditionExpression="attribute_not_exists(seen_at) OR seen_at <= :seen_at",
                ExpressionAttributeValues=items.values(newest=task_id, seen_at=seen_at, expires=_expiry()),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def is_newest(self, folder: str, task_id: str) -> bool:
        """Whether a folder's ``result.json`` is this task's to write, or nobody is known to have come after it."""
        answer = self._client.get_item(TableName=self._table, Key=items.drop_key(folder), ConsistentRead=True)
        newest = answer.get("Item", {}).get("newest")
        return newest is None or newest["S"] == task_id

    def end_part(self, batch: str, part: int, parts: int) -> bool:
        """Notes that one of several jobs has its ``result.json``.

        Returns:
            Whether all of them have.
        """
        answer = self._client.update_item(
            TableName=self._table,
            Key=items.drop_key(batch),
            UpdateExpression="SET expires_at = :expires ADD ended :part",
            ExpressionAttributeValues={":part": {"NS": [str(part)]}, **items.values(expires=_expiry())},
            ReturnValues="ALL_NEW",
        )
        return len(answer["Attributes"]["ended"]["NS"]) >= parts


def _expiry() -> int:
    return clock.days_from_now(load(TableSettings).task_retention_days)
