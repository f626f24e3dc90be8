"""The notify function: tells whoever asked for a task that it has ended."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.contract import TaskStatus
from kiln.workflow.notify import notify
from kiln_lambda.observability import logger, observed


@observed("task_id")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the state machine's step ``Notify``."""
    result = notify(event["task_id"], TaskStatus(event["task_status"]), event["attempt"])
    logger.info(
        "notify", extra={"result": result.model_dump(mode="json", include={"outcome", "attempt", "wait", "reason"})}
    )
    return result.model_dump(mode="json")
