"""The release function: ends a task whose workflow could not continue, and releases its slots."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.workflow.release import release
from kiln_lambda.observability import logger, observed


@observed("task_id", clients=(aws.dynamodb, aws.secrets_manager))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the state machine's step ``ReleaseSlots``."""
    result = release(event["task_id"], event["fault"])
    logger.info("release", extra={"result": result.model_dump(mode="json", include={"outcome", "reason"})})
    return result.model_dump(mode="json")
