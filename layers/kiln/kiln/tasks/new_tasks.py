"""Stores new tasks. An external id is claimed by the write that stores its task."""

from __future__ import annotations

from typing import Any

from kiln import clock, metrics
from kiln.errors import DuplicateExternalTaskId
from kiln.tasks import items
from kiln.tasks.task import Task
from kiln.tasks.task_items import TaskItems

_CONFLICT_TRIES = 5


class NewTasks(TaskItems):
    """The writes that store a task."""

    def add(self, task: Task, *, retention_days: int) -> Task:
        """Stores a new task and puts it in the queue.

        Returns:
            The stored task; when one with this ``task_id`` is there already, that one, unchanged.

        Raises:
            DuplicateExternalTaskId: The caller has used the external id for another task.
        """
        task = task.model_copy(update={"queue": items.WAITING})
        expires = {"N": str(clock.days_from_now(retention_days))}
        listed = {"S": items.listed(task.caller, task.task_status)}
        item = {**items.task_key(task.task_id), **items.item_of(task), "listed": listed, "expires_at": expires}
        put: Any = {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        try:
            if task.external_task_id:
                return self._add_with_claim(task, put, expires)
            self._client.put_item(**put)
        except self._client.exceptions.ConditionalCheckFailedException:
            return self.get(task.task_id)
        metrics.record(metrics.ACCEPTED)
        return task

    def _add_with_claim(self, task: Task, put: Any, expires: items.Item) -> Task:
        """Stores the task and claims its external id, both or neither."""
        key = items.external_key(task.caller, task.external_task_id)
        claim: Any = {**put, "Item": {**key, "task_id": {"S": task.task_id}, "expires_at": expires}}
        for _ in range(_CONFLICT_TRIES):
            try:
                self._client.transact_write_items(TransactItems=[{"Put": put}, {"Put": claim}])
            except self._client.exceptions.TransactionCanceledException as error:
                codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
                if codes and codes[0] == "ConditionalCheckFailed":
                    return self.get(task.task_id)
                if "ConditionalCheckFailed" in codes:
                    break
                if "TransactionConflict" not in codes:
                    raise
                # The same external id is being claimed at this very moment: see how that went.
            else:
                metrics.record(metrics.ACCEPTED)
                return task
        raise DuplicateExternalTaskId(task.external_task_id)

    def check_external_id(self, task_id: str, caller: str, external_task_id: str) -> None:
        """Refuses an external id that another of the caller's tasks has, before anything is spent on the new one.

        Raises:
            DuplicateExternalTaskId: The caller has used it.
        """
        if external_task_id and self._task_id_of(caller, external_task_id) not in (None, task_id):
            raise DuplicateExternalTaskId(external_task_id)
