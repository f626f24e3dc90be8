"""Notifies the ``callback_url`` of a batch of its end."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from kiln import aws, metrics
from kiln.auth import callers
from kiln.tasks.batch_views import finished_batch_view
from kiln.tasks.batches import Batches
from kiln.webhooks.delivery import Delivery, DeliveryOutcome, deliver
from kiln.workflow import batch as batches
from kiln.workflow.notify import attempt_of

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def notify_of_batch(
    batch_id: str, attempt: int, workflow_arn: str = "", *, step_functions: SFNClient | None = None
) -> Delivery:
    """Makes one attempt to deliver a batch's end to its ``callback_url``.

    Args:
        batch_id: The batch.
        attempt: How many attempts there have been.
        workflow_arn: For the first attempt: the state machine that makes the later ones.
        step_functions: Starts the workflow.

    Raises:
        BatchNotFound: The batch is no longer stored.
    """
    batch = Batches().get(batch_id)
    caller = callers.named(batch.caller)
    delivery = deliver(
        batch.callback_url,
        batches.event_id(batch_id),
        finished_batch_view(batch),
        secret=caller.webhook_secret if caller else "",
        attempt=attempt,
    )
    metrics.record(metrics.DELIVERIES, of=delivery.outcome)
    Batches().record_delivery(batch_id, attempt_of(delivery))
    if workflow_arn and delivery.outcome is DeliveryOutcome.RETRY:
        made = delivery.model_dump(mode="json", include={"attempt", "outcome", "wait"})
        client = step_functions or aws.step_functions()
        # An event may arrive twice.
        with contextlib.suppress(client.exceptions.ExecutionAlreadyExists):
            client.start_execution(
                stateMachineArn=workflow_arn,
                name=f"{batch_id}-finished",
                input=json.dumps({"batch_id": batch_id, "notify": made}),
            )
    return delivery
