"""The poll function: asks the provider how far a task is."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws, request_deadline
from kiln.tasks.task import Task
from kiln.workflow.poll import poll
from kiln_lambda.observability import logger, observed


@observed("task_id", clients=(aws.dynamodb, aws.secrets_manager, request_deadline.prepare, Task.model_rebuild))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the state machine's step ``Poll``."""
    result = poll(event["task_id"], processing_published=event["processing_published"])
    logger.info("poll", extra={"result": result.model_dump(mode="json", include={"outcome", "reason"})})
    return result.model_dump(mode="json")
