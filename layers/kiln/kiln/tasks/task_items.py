"""The items of tasks in the table: reading one by either id, and the one way to change one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from kiln import aws
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import TaskNotFound
from kiln.tasks import items, usage_items
from kiln.tasks.table import TableAccess
from kiln.tasks.task import Task

_CONFLICT_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between the tries to write while a transaction writes the same items; botocore does not retry these."""

_Written = TypeVar("_Written")
_BATCH_KEYS = 100
"""``BatchGetItem`` reads at most so many items."""


class TaskItems(TableAccess):
    """Reads and changes the items of tasks."""

    def get(self, task_id: str) -> Task:
        """Reads one task, strongly consistent.

        Raises:
            TaskNotFound: There is none.
        """
        answer = self._client.get_item(TableName=self._table, Key=items.task_key(task_id), ConsistentRead=True)
        if "Item" not in answer:
            raise TaskNotFound(task_id)
        return items.task_of(answer["Item"])

    def find(self, caller: str, either_id: str) -> Task:
        """Reads one of a caller's tasks by its id or its external id (contract).

        Raises:
            TaskNotFound: This caller has no such task, or has deleted it.
        """
        task = self.find_with_deleted(caller, either_id)
        if task.deleted_at:
            raise TaskNotFound(either_id)
        return task

    def find_with_deleted(self, caller: str, either_id: str) -> Task:
        """Reads one of a caller's tasks, or the tombstone of a deleted one.

        Raises:
            TaskNotFound: This caller has no such task.
        """
        for task_id in (either_id, self._task_id_of(caller, either_id)):
            # DynamoDB refuses a key of over 2 KB: an id that long is a caller's own, never Kiln's (32 characters).
            if task_id is None or len(task_id) > 32:
                continue
            try:
                task = self.get(task_id)
            except TaskNotFound:
                continue
            if task.caller == caller:
                return task
        raise TaskNotFound(either_id)

    def find_external(self, caller: str, external_task_id: str) -> Task:
        """Reads one of a caller's tasks by its external id alone, which may be equal to another task's id.

        Raises:
            TaskNotFound: This caller has given no task this external id.
        """
        task_id = self._task_id_of(caller, external_task_id)
        if task_id is None:
            raise TaskNotFound(external_task_id)
        return self.get(task_id)

    def get_all(self, task_ids: list[str]) -> list[Task]:
        """Reads tasks, in the order of their ids; those that are not stored are left out."""
        found: dict[str, Task] = {}
        left = [items.task_key(task_id) for task_id in task_ids]
        while left:
            request: Any = {self._table: {"Keys": left[:_BATCH_KEYS]}}
            answer: Any = self._client.batch_get_item(RequestItems=request)
            for item in answer["Responses"].get(self._table, []):
                found[items.task_id_of(item)] = items.task_of(item)
            unread = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            left = [*unread, *left[_BATCH_KEYS:]]
        return [found[task_id] for task_id in task_ids if task_id in found]

    def has_ended(self, task_id: str) -> bool:
        """Whether a task has reached a terminal status or is no longer stored. Nothing else of it is read."""
        answer = self._client.get_item(
            TableName=self._table,
            Key=items.task_key(task_id),
            ConsistentRead=True,
            ProjectionExpression="task_status",
        )
        return "Item" not in answer or answer["Item"]["task_status"]["S"] in (TaskStatus.SUCCEED, TaskStatus.FAILED)

    def is_paused(self) -> bool:
        """Whether an operator has paused dispatch."""
        answer = self._client.get_item(TableName=self._table, Key=items.SLOTS_KEY, ProjectionExpression="paused_at")
        return bool(answer.get("Item"))

    def _update(
        self, task_id: str, expression: str, values: items.Item | None = None, *, returns: str = "ALL_NEW"
    ) -> Task:
        try:
            return self._changed(task_id, expression, values, condition="attribute_exists(pk)", returns=returns)
        except self._client.exceptions.ConditionalCheckFailedException:
            raise TaskNotFound(task_id) from None

    def _changed(
        self,
        task_id: str,
        expression: str,
        values: items.Item | None = None,
        *,
        names: dict[str, str] | None = None,
        condition: str,
        returns: str = "ALL_NEW",
    ) -> Task:
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": items.task_key(task_id),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ReturnValues": returns,
        }
        if values:
            request["ExpressionAttributeValues"] = values
        if names:
            request["ExpressionAttributeNames"] = names
        return items.task_of(self._update_item(**request)["Attributes"])

    def _update_item(self, **request: Any) -> Any:
        return _written(lambda: self._client.update_item(**request))

    def _end(
        self,
        task: Task,
        changed: dict[str, Any],
        expression: str,
        values: items.Item,
        *,
        names: dict[str, str],
        condition: str,
    ) -> Task | None:
        """Ends a task and counts it in its caller's usage, both or neither; ``None`` when the condition is not met."""
        update: Any = {
            "TableName": self._table,
            "Key": items.task_key(task.task_id),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ExpressionAttributeNames": names,
        }
        # The second write is for the one task a month that uses a budget up to 80 %, the third for one beside it.
        for nearly_used in (False, True, False):
            counted: Any = usage_items.addition(
                self._table,
                task,
                changed["updated_at"],
                units=changed.get("final_unit_deduction", ""),
                images=len(changed.get("result", [])),
                failed=changed["task_status"] == TaskStatus.FAILED,
                nearly_used=nearly_used,
            )
            refused = self._refused_of([{"Update": update}, {"Update": counted}])
            if not any(refused):
                return self.get(task.task_id)
            if refused[0]:
                return None
        raise RuntimeError(f"the usage of {task.caller} must be writable")

    def _refused_of(self, writes: list[Any]) -> list[bool]:
        """Writes all or nothing; which of the writes' conditions was not met."""
        try:
            _written(lambda: self._client.transact_write_items(TransactItems=writes))
        except self._client.exceptions.TransactionCanceledException as error:
            refused = [code == "ConditionalCheckFailed" for code in _cancellation_codes(error)]
            if not any(refused):
                raise
            return refused
        return [False] * len(writes)

    def _task_id_of(self, caller: str, external_task_id: str) -> str | None:
        answer = self._client.get_item(
            TableName=self._table, Key=items.external_key(caller, external_task_id), ConsistentRead=True
        )
        return answer["Item"]["task_id"]["S"] if "Item" in answer else None


def _written(write: Callable[[], _Written]) -> _Written:
    """The answer of a write, which is tried again while a transaction writes the same items."""
    for pause in _CONFLICT_PAUSES:
        try:
            return write()
        except Exception as error:
            if not _is_conflict(error):
                raise
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads the retries, keeps no secret
    return write()


def _is_conflict(error: Exception) -> bool:
    codes = _cancellation_codes(error)
    is_cancelled = "TransactionConflict" in codes and "ConditionalCheckFailed" not in codes
    return is_cancelled or aws.error_code(error) == "TransactionConflictException"


def _cancellation_codes(error: Any) -> list[str | None]:
    return [reason.get("Code") for reason in getattr(error, "response", {}).get("CancellationReasons", [])]
