"""The step ``Notify``: tells whoever asked for a task of a change of its status."""

from __future__ import annotations

from kiln import clock, events, metrics
from kiln.auth import callers
from kiln.contract.vocabulary import TaskStatus
from kiln.drops.result_file import write_result
from kiln.settings import AddressSettings, load
from kiln.tasks.store import TaskStore
from kiln.tasks.task import DeliveryRecord
from kiln.tasks.views import callback_view
from kiln.webhooks.delivery import Delivery, DeliveryOutcome, deliver


def notify(task_id: str, status: TaskStatus, attempt: int, *, tasks: TaskStore | None = None) -> Delivery:
    """Writes ``result.json`` for a drop that has ended, and makes one attempt to deliver to the ``callback_url``.

    Args:
        task_id: Of the task.
        status: The change to tell of; the task may have gone further since.
        attempt: How many attempts there have been.
        tasks: The task store.
    """
    tasks = tasks or TaskStore()
    task = tasks.get(task_id)
    public_url = load(AddressSettings).public_url
    if task.origin.channel == "drop" and status.is_terminal:
        write_result(task, public_url)
    if not task.callback_url:
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
    tasks.record_delivery(task_id, _record(status, delivery))
    return delivery


def _record(status: TaskStatus, delivery: Delivery) -> DeliveryRecord:
    now = clock.milliseconds()
    return DeliveryRecord(
        task_status=status,
        attempt=delivery.attempt,
        attempted_at=now,
        outcome=delivery.outcome,
        http_status=delivery.http_status,
        reason=delivery.reason,
        next_attempt_at=now + delivery.wait * 1_000 if delivery.outcome is DeliveryOutcome.RETRY else None,
    )
