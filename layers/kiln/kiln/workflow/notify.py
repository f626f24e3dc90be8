"""The step ``Notify``: tells whoever asked for the task that it has ended."""

from __future__ import annotations

from kiln import events
from kiln.auth import callers
from kiln.contract.answers import CallbackBody
from kiln.results import write_result
from kiln.settings import AddressSettings, load
from kiln.tasks.store import TaskStore
from kiln.webhooks.delivery import Delivery, DeliveryOutcome, deliver


def notify(task_id: str, attempt: int, *, tasks: TaskStore | None = None) -> Delivery:
    """Writes ``result.json`` for a drop, and makes one attempt to deliver to the ``callback_url``.

    Args:
        task_id: Of the finished task.
        attempt: How many attempts there have been.
        tasks: The task store.
    """
    task = (tasks or TaskStore()).get(task_id)
    public_url = load(AddressSettings).public_url
    if task.origin.door == "drop":
        write_result(task, public_url)
    if not task.callback_url:
        return Delivery(outcome=DeliveryOutcome.DELIVERED, attempt=attempt)
    announced = events.announcement(task, public_url)
    caller = callers.named(task.caller)
    return deliver(
        task.callback_url,
        announced.detail.metadata.event_id,
        CallbackBody.model_validate(task.found(public_url).model_dump()),
        secret=caller.webhook_secret if caller else "",
        attempt=attempt,
    )
