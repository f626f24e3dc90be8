"""Makes a tombstone of a task that its caller deletes: what it was made of goes, ids, times and units stay."""

from __future__ import annotations

from kiln import clock
from kiln.tasks import items
from kiln.tasks.task import Task
from kiln.tasks.task_items import TaskItems

_FORGOTTEN = (
    *("prompt", "inputs", "result", "collected", "deliveries", "callback_url", "callback_statuses"),
    *("provider_fields", "refusal", "ignored"),
)
_INDEXED = ("sequence", "listed", "queue", "turn")
"""Without these attributes, no index has the task."""


class Deletions(TaskItems):
    """Begins and finishes the deletion of tasks."""

    def begin(self, task: Task) -> Task | None:
        """Makes a tombstone of a task that has ended; ``None`` if it runs, or was deleted meanwhile."""
        # A list by number would find fewer tasks than a page has, so the list counts the tasks of this caller instead.
        self._client.update_item(
            TableName=self._table,
            Key=items.caller_key(task.caller),
            UpdateExpression="SET has_deleted = :yes",
            ExpressionAttributeValues=items.values(yes=True),
        )
        gone = (*_FORGOTTEN, *_INDEXED)
        try:
            return self._changed(
                task.task_id,
                f"SET deleted_at = :now, is_deleting = :yes REMOVE {', '.join(f'#{name}' for name in gone)}",
                items.values(now=clock.milliseconds(), yes=True, succeed="succeed", failed="failed"),
                names={f"#{name}": name for name in gone},
                condition="task_status IN (:succeed, :failed) AND attribute_not_exists(deleted_at)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None

    def finish(self, task_id: str) -> None:
        """Records that nothing of a deleted task is left in S3, and that its event is published."""
        self._update(task_id, "REMOVE is_deleting")
