"""The callback function: the provider's callback wakes the workflow of its task. The body decides nothing."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.workflow.callback import wake_for_callback
from kiln_lambda.contract_api import ContractApi
from kiln_lambda.observability import about, logger, observed

app = ContractApi()


@app.post("/v1/callbacks/<task_id>/<token>")
def callback(task_id: str, token: str) -> Response[str]:
    """Wakes the task's workflow; 404 for a token that is not this task's, 200 for anything else the provider sends."""
    about(task_id)
    woken = wake_for_callback(task_id, token, app.body(), app.current_event.headers)
    logger.info("callback", extra={"woken": woken})
    return app.answer([])


@observed("requestContext.requestId")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves API Gateway."""
    return app.resolve(event, context)
