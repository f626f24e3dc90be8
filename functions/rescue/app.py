"""The rescue function: an execution that broke or was stopped is told of here, and its task is not left alone."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.workflow.rescue import rescue
from kiln_lambda.observability import logger, metrics, tracer


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Serves the rule on Step Functions' status changes."""
    ended = event["detail"]
    metrics.add_metric(name="WorkflowsRescued", unit=MetricUnit.Count, value=1)
    again = rescue(ended["stateMachineArn"], ended["name"], ended["status"], ended["input"])
    logger.error(
        "a workflow ended abnormally", extra={"execution": ended["name"], "status": ended["status"], "again": again}
    )
