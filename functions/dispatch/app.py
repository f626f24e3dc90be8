"""The dispatch function: has the provider make a task, exactly once."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.workflow.dispatch import dispatch
from kiln_lambda.observability import logger, metrics, tracer


@logger.inject_lambda_context(correlation_id_path="task_id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the state machine's step ``Dispatch``."""
    logger.append_keys(task_id=event["task_id"])
    result = dispatch(event["task_id"])
    logger.info("dispatch", extra={"result": result.model_dump(mode="json", include={"outcome", "wait", "reason"})})
    if result.is_account:
        metrics.add_metric(name="ProviderAccountErrors", unit=MetricUnit.Count, value=1)
    return result.model_dump(mode="json")
