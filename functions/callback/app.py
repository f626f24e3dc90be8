"""The callback function: the provider's callback wakes the workflow of its task. The body decides nothing."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.workflow.callback import reported_status, wake_for_callback
from kiln_lambda.contract_api import ContractApi
from kiln_lambda.observability import about, logger, observed

app = ContractApi()


@app.post("/v1/callbacks/<task_id>/<token>")
def callback(task_id: str, token: str) -> Response[str]:
    """Wakes the task's workflow; 404 for a token that is not this task's, 200 for anything else the provider sends."""
    about(task_id)
    body, headers = app.body(), app.current_event.headers
    woken = wake_for_callback(task_id, token, body, headers)
    found = {"woken": woken, "status": reported_status(body), "has_signature": "webhook-signature" in headers}
    logger.info("callback", extra=found)
    return app.answer([])


@observed("requestContext.requestId", clients=(aws.dynamodb, aws.secrets_manager, aws.step_functions))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves API Gateway."""
    return app.resolve(event, context)
