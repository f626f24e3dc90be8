"""Notifies the receivers of a task of one change of its status: ``result.json`` and the ``callback_url``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kiln import aws, clock, events, metrics
from kiln.auth import callers
from kiln.contract.deliveries import DeliveryAttempt
from kiln.contract.vocabulary import TaskStatus
from kiln.settings import AddressSettings, load
from kiln.tasks.store import TaskStore
from kiln.tasks.task import DeliveryRecord, Task
from kiln.tasks.views import callback_view
from kiln.webhooks.delivery import Delivery, DeliveryOutcome, deliver

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def notify_of_event(
    detail: Mapping[str, Any],
    workflow_arn: str,
    *,
    tasks: TaskStore | None = None,
    step_functions: SFNClient | None = None,
) -> Delivery:
    """Makes the first attempt for an event of the bus. If it fails, a workflow makes the later ones.

    Args:
        detail: The event's ``detail``.
        workflow_arn: The state machine that makes the later attempts.
        tasks: The task store.
        step_functions: Starts the workflow.

    Raises:
        TaskNotFound: The task is no longer stored.
    """
    tasks = tasks or TaskStore()
    task_id, status = detail["data"]["task_id"], TaskStatus(detail["data"]["task_status"])
    task = tasks.get(task_id)
    try:
        delivery = _notify(task, status, 0, tasks)
        made = delivery.model_dump(mode="json", include={"attempt", "outcome", "wait"})
    except Exception as error:  # noqa: BLE001 - the workflow repeats the attempt, and its fault is seen there
        delivery = Delivery(outcome=DeliveryOutcome.RETRY, attempt=0, reason=f"a fault: {type(error).__name__}")
        made = {"attempt": 0, "outcome": "first", "wait": 0}
    if delivery.outcome is DeliveryOutcome.RETRY:
        client = step_functions or aws.step_functions()
        # An event may arrive twice.
        with contextlib.suppress(client.exceptions.ExecutionAlreadyExists):
            client.start_execution(
                stateMachineArn=workflow_arn,
                name=f"{task.run_id}-{status}",
                input=json.dumps({"task_id": task_id, "task_status": status, "notify": made}),
            )
    return delivery


def notify(task_id: str, status: TaskStatus, attempt: int, *, tasks: TaskStore | None = None) -> Delivery:
    """Writes ``result.json`` for a drop that has ended, and makes one attempt to deliver to the ``callback_url``.

    Args:
        task_id: The task.
        status: The status that it changed to; it may have changed again since.
        attempt: How many attempts there have been.
        tasks: The task store.
    """
    tasks = tasks or TaskStore()
    return _notify(tasks.get(task_id), status, attempt, tasks)


def _notify(task: Task, status: TaskStatus, attempt: int, tasks: TaskStore) -> Delivery:
    if task.deleted_at:
        return Delivery(outcome=DeliveryOutcome.DELIVERED, attempt=attempt)  # There is nothing left to notify of.
    public_url = load(AddressSettings).public_url
    if task.origin.channel == "drop" and status.is_terminal:
        from kiln.drops.result_file import write_result  # noqa: PLC0415 - for drops alone

        write_result(task, public_url)
    if not task.notifies_of(status):
        return Delivery(outcome=DeliveryOutcome.DELIVERED, attempt=attempt)
    caller = callers.named(task.caller)
    delivery = deliver(
        task.callback_url,
        events.event_id(task, status),
        callback_view(task, status, public_url),
        secret=caller.webhook_secret if caller else "",
        attempt=attempt,
    )
    metrics.record(metrics.DELIVERIES, of=delivery.outcome)
    tasks.record_delivery(task.task_id, DeliveryRecord(task_status=status, **dict(attempt_of(delivery))))
    return delivery


def attempt_of(delivery: Delivery) -> DeliveryAttempt:
    """The record of an attempt, for the caller to read."""
    now = clock.milliseconds()
    return DeliveryAttempt(
        attempt=delivery.attempt,
        attempted_at=now,
        outcome=delivery.outcome,
        http_status=delivery.http_status,
        reason=delivery.reason,
        next_attempt_at=now + delivery.wait * 1_000 if delivery.outcome is DeliveryOutcome.RETRY else None,
    )
