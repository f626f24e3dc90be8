"""The dispatch function: has the provider make a task, exactly once."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws, request_deadline
from kiln.tasks.task import Task
from kiln.workflow.dispatch import dispatch
from kiln_lambda.observability import logger, observed


@observed("task_id", clients=(aws.dynamodb, aws.secrets_manager, request_deadline.prepare, Task.model_rebuild))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the state machine's step ``Dispatch``."""
    result = dispatch(event["task_id"])
    logger.info("dispatch", extra={"result": result.model_dump(mode="json", include={"outcome", "wait", "reason"})})
    return result.model_dump(mode="json")
