"""The operate function: does what an operator asks for. Nothing calls it but who may invoke it (IAM)."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.operating.operations import perform
from kiln_lambda.observability import logger, observed


@observed("task_id", clients=(aws.dynamodb, aws.secrets_manager))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the command ``kiln``: one operation, one answer."""
    answer = perform(event)
    logger.info("operated", extra={"operation": event.get("operation"), "refusal": answer.refusal})
    return answer.model_dump(mode="json")
