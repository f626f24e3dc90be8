"""The release function: ends a task's run and wakes the next in line."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.workflow.release import release, tend_line
from kiln_lambda.observability import logger, metrics, tracer


@logger.inject_lambda_context(correlation_id_path="task_id", clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the state machine's step ``ReleaseSlot``."""
    logger.append_keys(task_id=event["task_id"])
    if event.get("is_waiting"):
        woken = tend_line(event["task_id"])
        logger.info("tended the line", extra={"woken": woken})
        return {"woken": woken}
    result = release(event["task_id"], event.get("fault"))
    logger.info("release", extra={"result": result.model_dump(mode="json", include={"woken", "to_notify"})})
    return result.model_dump(mode="json")
