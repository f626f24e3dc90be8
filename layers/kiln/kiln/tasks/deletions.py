"""Makes a tombstone of a task that its caller deletes: what it was made of goes, ids, times and units stay."""

from __future__ import annotations

import contextlib

from kiln import clock
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import TaskNotFound
from kiln.tasks import items
from kiln.tasks.task import Task
from kiln.tasks.task_items import TaskItems

_FORGOTTEN = (
    *("prompt", "inputs", "result", "collected", "deliveries", "callback_url", "callback_statuses"),
    *("provider_fields", "refusal", "ignored"),
)
_LISTED = ("sequence", "listed")
"""Without these attributes, no list of tasks has the task."""

_MOST_BEGUN = 100
"""So many deletions that have stopped halfway are looked at in one go."""


class Deletions(TaskItems):
    """Begins and finishes the deletion of tasks, and finds the tasks of a caller that are to be deleted."""

    def listed(self, caller: str, status: TaskStatus, *, most: int) -> list[str]:
        """The ids of a caller's tasks of one status; ``most`` at most, from an index that is a moment old."""
        return self._indexed(items.BY_STATUS, "listed", items.listed(caller, status), most)

    def count(self, caller: str, status: TaskStatus) -> int:
        """How many tasks of one status a caller has."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=items.BY_STATUS,
            KeyConditionExpression="listed = :listed",
            ExpressionAttributeValues=items.values(listed=items.listed(caller, status)),
            Select="COUNT",
        )
        return sum(page["Count"] for page in pages)

    def begun(self, caller: str) -> list[str]:
        """The ids of a caller's tasks whose deletion has stopped halfway, or is under way."""
        found = []
        for task_id in self._indexed(items.BY_TURN, "queue", items.DELETING, _MOST_BEGUN):
            with contextlib.suppress(TaskNotFound):
                found += [task_id] if self.get(task_id).caller == caller else []
        return found

    def _indexed(self, index: str, key: str, value: str, most: int) -> list[str]:
        answer = self._client.query(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression=f"{key} = :value",
            ExpressionAttributeValues=items.values(value=value),
            ProjectionExpression="pk",
            Limit=most,
        )
        return [items.task_id_of(item) for item in answer["Items"]]

    def begin(self, task: Task) -> Task | None:
        """Makes a tombstone of a task that has ended; ``None`` if it runs, or was deleted meanwhile."""
        # A list by number would find fewer tasks than a page has, so the list counts the tasks of this caller instead.
        self._client.update_item(
            TableName=self._table,
            Key=items.caller_key(task.caller),
            UpdateExpression="SET has_deleted = :yes",
            ExpressionAttributeValues=items.values(yes=True),
        )
        gone = (*_FORGOTTEN, *_LISTED)
        try:
            return self._changed(
                task.task_id,
                "SET deleted_at = :now, is_deleting = :yes, queue = :deleting, turn = :now "
                f"REMOVE {', '.join(f'#{name}' for name in gone)}",
                items.values(
                    now=clock.milliseconds(), yes=True, deleting=items.DELETING, succeed="succeed", failed="failed"
                ),
                names={f"#{name}": name for name in gone},
                condition="task_status IN (:succeed, :failed) AND attribute_not_exists(deleted_at)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return None

    def finish(self, task_id: str) -> None:
        """Records that nothing of a deleted task is left in S3, and that its event is published."""
        self._update(task_id, "REMOVE is_deleting, queue, turn")
