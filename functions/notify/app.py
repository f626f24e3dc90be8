"""The notify function: notifies the receivers of one change of a task's status, or of the end of a batch."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws, request_deadline
from kiln.contract import TaskStatus
from kiln.webhooks.delivery import Delivery
from kiln.workflow.notify import notify, notify_of_event
from kiln_lambda.observability import about, about_batch, logger, observed


@observed("task_id", clients=(aws.dynamodb, aws.secrets_manager, request_deadline.prepare))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the rule on Kiln's own events (first attempts), and the notification workflow (later ones)."""
    subject = event["detail"]["data"] if "detail" in event else event
    result = _first(event, subject) if "detail" in event else _later(event)
    made = result.model_dump(mode="json", include={"outcome", "attempt", "wait", "reason"})
    named = {"task_status": subject["task_status"]} if "task_status" in subject else {}
    logger.info("notify", extra={**named, "result": made})
    return result.model_dump(mode="json")


def _first(event: dict[str, Any], subject: dict[str, Any]) -> Delivery:
    if "task_id" not in subject:
        about_batch(subject["batch_id"])
        return _of_batch(subject["batch_id"], 0, event["notification_workflow"])
    about(subject["task_id"])
    return notify_of_event(event["detail"], event["notification_workflow"])


def _later(event: dict[str, Any]) -> Delivery:
    # A workflow that an earlier version of the stack started passes the attempt by itself.
    attempt = event["notify"]["attempt"] if "notify" in event else event["attempt"]
    if "task_id" not in event:
        return _of_batch(event["batch_id"], attempt)
    return notify(event["task_id"], TaskStatus(event["task_status"]), attempt)


def _of_batch(batch_id: str, attempt: int, workflow_arn: str = "") -> Delivery:
    from kiln.workflow.notify_batch import notify_of_batch  # noqa: PLC0415 - most events are about a task

    return notify_of_batch(batch_id, attempt, workflow_arn)
