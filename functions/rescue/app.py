"""The rescue function: handles the event of an execution that failed or was stopped, so that its task ends."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.tasks.executions import parse_execution_name
from kiln.workflow.rescue import rescue
from kiln_lambda.observability import about, logger, observed


@observed(clients=(aws.dynamodb, aws.step_functions))
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Serves the rule on Step Functions' status changes."""
    ended = event["detail"]
    execution = parse_execution_name(ended["name"])
    if execution is not None:
        about(execution.task_id)
    again = rescue(ended["stateMachineArn"], ended["name"], ended["status"], ended["input"])
    logger.error(
        "a workflow ended abnormally", extra={"execution": ended["name"], "status": ended["status"], "again": again}
    )
