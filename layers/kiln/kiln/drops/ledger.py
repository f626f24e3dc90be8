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

    def expect(self, folder: str, newest: str, seen_at: int, *, parts: int = 0) -> bool:
        """Notes whose a folder's ``result.json`` is to be.

        Args:
            folder: Of the outbox.
            newest: A task's, ``REFUSED``, or that of a list of jobs: its batch.
            seen_at: When the inbox was looked at, in milliseconds since the epoch: what was seen later counts.
            parts: How many jobs the list has.

        Returns:
            Whether nobody has seen newer content there.
        """
        try:
            self._client.update_item(
                TableName=self._table,
                Key=items.drop_key(folder),
                UpdateExpression="SET newest = :newest, seen_at = :seen_at, parts = :parts, expires_at = :expires",
                ConditionExpression="attribute_not_exists(seen_at) OR seen_at <= :seen_at",
                ExpressionAttributeValues=items.values(newest=newest, seen_at=seen_at, parts=parts, expires=_expiry()),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def is_newest(self, folder: str, task_id: str) -> bool:
        """Whether a folder's ``result.json`` is this task's to write, or nobody is known to have come after it."""
        newest = self._get(folder).get("newest")
        return newest is None or newest["S"] == task_id

    def list_of(self, folder: str) -> tuple[str, int] | None:
        """The batch of the list whose jobs a folder's ``result.json`` is to hold together, and how many they are.

        A folder with other content has a batch of no jobs; one of which nothing is known has none.
        """
        item = self._get(folder)
        return (item["newest"]["S"], int(item.get("parts", {}).get("N", "0"))) if "newest" in item else None

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

    def _get(self, folder: str) -> items.Item:
        answer = self._client.get_item(TableName=self._table, Key=items.drop_key(folder), ConsistentRead=True)
        return dict(answer.get("Item", {}))


def _expiry() -> int:
    return clock.days_from_now(load(TableSettings).task_retention_days)
