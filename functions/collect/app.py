"""The collect function: copies the generated images to the outbox bucket."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws, request_deadline
from kiln.tasks.task import Task
from kiln.workflow.collect import collect
from kiln_lambda.observability import logger, observed


@observed("task_id", clients=(aws.dynamodb, aws.s3, aws.secrets_manager, request_deadline.prepare, Task.model_rebuild))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the state machine's step ``Collect``."""
    result = collect(event["task_id"])
    logger.info("collect", extra={"result": result.model_dump(mode="json", include={"outcome", "wait", "reason"})})
    return result.model_dump(mode="json")
