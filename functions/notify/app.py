"""The notify function: notifies a task's receivers of one change of its status."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.contract import TaskStatus
from kiln.trust import public_context
from kiln.workflow.notify import notify, notify_of_event
from kiln_lambda.observability import about, logger, observed


@observed("task_id", clients=(aws.dynamodb, aws.secrets_manager, public_context))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the rule on Kiln's own events (first attempts), and the state machine's step ``Notify`` (later ones)."""
    if "detail" in event:
        about(event["detail"]["data"]["task_id"])
        status = event["detail"]["data"]["task_status"]
        result = notify_of_event(event["detail"], event["notification_workflow"])
    else:
        status = event["task_status"]
        result = notify(event["task_id"], TaskStatus(status), event["attempt"])
    made = result.model_dump(mode="json", include={"outcome", "attempt", "wait", "reason"})
    logger.info("notify", extra={"task_status": status, "result": made})
    return result.model_dump(mode="json")
