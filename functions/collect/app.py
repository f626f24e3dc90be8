"""The collect function: copies the generated images to the outbox bucket."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.workflow.collect import collect
from kiln_lambda.observability import logger, metrics, tracer


@logger.inject_lambda_context(correlation_id_path="task_id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the state machine's step ``Collect``."""
    logger.append_keys(task_id=event["task_id"])
    result = collect(event["task_id"])
    logger.info("collect", extra={"result": result.model_dump(mode="json", include={"outcome", "wait", "reason"})})
    return result.model_dump(mode="json")
