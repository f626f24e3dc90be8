"""The task store: every change of a task. A status only moves forward; a terminal task never changes again."""

from __future__ import annotations

import contextlib
from typing import Any

from kiln import clock, metrics
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import TaskNotFound
from kiln.images.stored import StoredImage
from kiln.tasks import items, measuring
from kiln.tasks.new_tasks import NewTasks
from kiln.tasks.task import DeliveryRecord, Task

MESSAGE_CHARACTERS = 1_000
"""The provider's text about a failure is cut to this, so that a callback's body stays far below 20 kB."""


class TaskStore(NewTasks):
    """Tasks in one DynamoDB table."""

    def begin_poll(self, task_id: str) -> Task:
        """Reads a task, clears its wake-up request and counts the poll, in one call.

        Returns:
            The task as it was before: its ``wake_requested_at`` says whether a wake-up had been requested.
        """
        expression = "REMOVE wake_requested_at, task_token ADD polls :one"
        return self._update(task_id, expression, items.values(one=1), returns="ALL_OLD")

    def begin_dispatch(self, task_id: str, *, attempts: int = 1, account: str = "default") -> Task:
        """Counts an attempt to dispatch, binds the task to an account and takes it out of the queue.

        A task that has ended stays as it is: its workflow may begin again after the end, and it is in no queue.

        Args:
            task_id: The task.
            attempts: 0 if the provider is not called.
            account: Where the task holds its slots; a task that is bound to an account stays there.

        Returns:
            The task; ``dispatch_attempts`` of 1 means that the provider cannot know it yet.

        Raises:
            TaskNotFound: There is no such task.
        """
        expression = (
            "SET slots_acquired_at = if_not_exists(slots_acquired_at, :now), queue = :running, turn = :now, "
            "account = if_not_exists(account, :account) "
            "REMOVE wake_requested_at, task_token ADD dispatch_attempts :attempts"
        )
        values = items.values(
            attempts=attempts,
            now=clock.milliseconds(),
            running=items.RUNNING,
            account=account,
            submitted=TaskStatus.SUBMITTED.value,
            processing=TaskStatus.PROCESSING.value,
        )
        try:
            return self._changed(task_id, expression, values, condition="task_status IN (:submitted, :processing)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return self.get(task_id)

    def enqueue(self, task_id: str, turn: int) -> None:
        """Puts a task that has lost its slots back into the queue; one that has ended is left alone."""
        running = [TaskStatus.SUBMITTED.value, TaskStatus.PROCESSING.value]
        with contextlib.suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._changed(
                task_id,
                "SET queue = :waiting, turn = :turn",
                items.values(waiting=items.WAITING, turn=turn, submitted=running[0], processing=running[1]),
                condition="task_status IN (:submitted, :processing)",
            )

    def leave_account(self, task: Task, turn: int) -> bool:
        """Queues a task that its account has surely not created, for any account; not if another attempt has begun."""
        try:
            self._changed(
                task.task_id,
                "SET queue = :waiting, turn = :turn "
                "REMOVE account, slots_acquired_at, dispatch_attempts, refused_attempts",
                items.values(waiting=items.WAITING, turn=turn, account=task.account, attempts=task.dispatch_attempts),
                condition="account = :account AND dispatch_attempts = :attempts "
                "AND attribute_not_exists(dispatched_at) AND attribute_exists(slots_acquired_at)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def promote(self, task_id: str, turn: int, new_turn: int) -> None:
        """Gives a waiting task another turn, unless its turn has changed meanwhile."""
        with contextlib.suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._changed(
                task_id,
                "SET turn = :new",
                items.values(new=new_turn, turn=turn, waiting=items.WAITING),
                condition="queue = :waiting AND turn = :turn",
            )

    def clear_wake_up(self, task_id: str) -> None:
        """Clears a wake-up request, so that it counts once.

        Raises:
            TaskNotFound: There is no such task.
        """
        self._update(task_id, "REMOVE wake_requested_at, task_token")

    def begin_collect(self, task_id: str) -> Task:
        """Reads a task and records when its images began to be copied, in one call."""
        expression = "SET collecting_at = if_not_exists(collecting_at, :now)"
        return self._update(task_id, expression, items.values(now=clock.milliseconds()))

    def dispatched(self, task: Task, provider_task_id: str) -> Task:
        """Records that the provider has the task."""
        now = clock.milliseconds()
        return self._update(
            task.task_id,
            "SET provider_task_id = :id, dispatched_at = if_not_exists(dispatched_at, :now) REMOVE refusal",
            items.values(id=provider_task_id, now=now),
        )

    def refused(self, task: Task, refusal: str, *, attempts: int = 0) -> None:
        """Records why the task does not advance, for its caller and for the message of a deadline.

        Args:
            task: The task.
            refusal: The reason.
            attempts: How many attempts to dispatch it the provider has surely refused; 0 to leave that as it is.
        """
        if not attempts:
            self._update(task.task_id, "SET refusal = :refusal", items.values(refusal=refusal))
            return
        values = items.values(refusal=refusal, attempts=attempts)
        self._update(task.task_id, "SET refusal = :refusal, refused_attempts = :attempts", values)

    def process(self, task: Task) -> Task | None:
        """Moves a submitted task on to ``processing``; ``None`` when it has gone further already."""
        return self._advance(task, TaskStatus.PROCESSING)

    def keep_collected(self, task: Task, images: list[StoredImage]) -> None:
        """Records which images have been copied while others are still to come, so that none is copied twice."""
        kept = [image.model_dump() for image in images]
        self._update(task.task_id, "SET collected = :kept", items.values(kept=kept))

    def succeed(
        self, task: Task, result: list[StoredImage], final_unit_deduction: str, message: str = "", **added: str
    ) -> Task | None:
        """Ends a running task with its images; ``None`` when it had ended already.

        Args:
            task: As it was read.
            result: Its images.
            final_unit_deduction: The units that the provider charged.
            message: Which images are missing, for ``task_status_msg``.
            added: Other string attributes of the task.
        """
        kept = [image.model_dump() for image in result]
        also = {"result": kept, "final_unit_deduction": final_unit_deduction, "refusal": "", **added}
        if message:
            also["task_status_msg"] = message[:MESSAGE_CHARACTERS]
        ended = self._advance(task, TaskStatus.SUCCEED, also)
        if ended is not None:
            measuring.succeeded(ended)
        return ended

    def fail(self, task: Task, reason: str, failure: metrics.Failure = metrics.Failure.FAULT) -> Task | None:
        """Ends a running task without images; ``None`` when it had ended already."""
        return self._fail(task, reason[:MESSAGE_CHARACTERS], failure)

    def cancel(self, task: Task, reason: str) -> Task | None:
        """Ends a task that still waits in the queue; ``None`` when it does not any more."""
        return self._fail(task, reason, metrics.Failure.CANCELLED, condition="queue = :waiting")

    def record_delivery(self, task_id: str, record: DeliveryRecord) -> None:
        """Keeps what one attempt to deliver a webhook came to, for the caller to read."""
        self._update(
            task_id,
            "SET deliveries = list_append(if_not_exists(deliveries, :none), :new)",
            items.values(none=[], new=[record.model_dump(mode="json", exclude_none=True)]),
        )

    def request_wake_up(self, task_id: str, *, unless_processing: bool = False) -> str | None:
        """Requests a wake-up of a task's workflow: if it is not parked, its next parking passes at once.

        Args:
            task_id: The task.
            unless_processing: Request nothing for a task that has left ``submitted``.

        Returns:
            The task token if the workflow is parked, else ``None``.

        Raises:
            TaskNotFound: There is no such task.
        """
        values = items.values(now=clock.milliseconds(), one=1)
        condition = "attribute_exists(pk)"
        if unless_processing:
            values |= items.values(submitted=TaskStatus.SUBMITTED.value)
            condition += " AND task_status = :submitted"
        try:
            answer = self._update_item(
                TableName=self._table,
                Key=items.task_key(task_id),
                UpdateExpression="SET wake_requested_at = :now ADD wake_ups :one",
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            if unless_processing:
                return None
            raise TaskNotFound(task_id) from None
        token = answer["Attributes"].get("task_token")
        return token["S"] if token else None

    def _fail(self, task: Task, reason: str, failure: metrics.Failure, *, condition: str = "") -> Task | None:
        ended = self._advance(task, TaskStatus.FAILED, {"task_status_msg": reason}, condition=condition)
        if ended is not None:
            measuring.failed(failure)
        return ended

    def _advance(
        self, task: Task, status: TaskStatus, also: dict[str, Any] | None = None, *, condition: str = ""
    ) -> Task | None:
        changed = {
            "task_status": status.value,
            "listed": items.listed(task.caller, status),
            "updated_at": max(clock.milliseconds(), task.updated_at),
            **(also or {}),
        }
        running = [TaskStatus.SUBMITTED, TaskStatus.PROCESSING]
        before = running[: running.index(status)] if status in running else running
        forward = f"task_status IN ({', '.join(f':{each}' for each in before)})"
        expression = f"SET {', '.join(f'#{name} = :{name}' for name in changed)}"
        named = {**changed, **{each.value: each.value for each in before}}
        if ":waiting" in condition:
            named["waiting"] = items.WAITING
        condition = f"{forward} AND {condition}" if condition else forward
        names = {f"#{name}": name for name in changed}
        if status.is_terminal:
            ending = f"{expression} REMOVE queue, turn"
            return self._end(task, changed, ending, items.values(**named), names=names, condition=condition)
        try:
            return self._changed(task.task_id, expression, items.values(**named), names=names, condition=condition)
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
