"""The poll function: asks the provider how far a task is."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.workflow.poll import poll
from kiln_lambda.observability import logger, metrics, tracer


@logger.inject_lambda_context(correlation_id_path="task_id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the state machine's step ``Poll``."""
    logger.append_keys(task_id=event["task_id"])
    result = poll(event["task_id"], processing_announced=event["processing_announced"])
    logger.info("poll", extra={"result": result.model_dump(mode="json", include={"outcome", "reason"})})
    if result.is_account:
        metrics.add_metric(name="ProviderAccountErrors", unit=MetricUnit.Count, value=1)
    return result.model_dump(mode="json")
