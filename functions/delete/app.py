"""The delete function: removes a task that has ended, with its images and inputs; for operators, all of a caller."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.deletion import delete
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.tasks.views import deleted_view
from kiln_lambda.contract_api import ContractApi
from kiln_lambda.observability import logger, observed

app = ContractApi()


@app.delete("/v1/images/multi-image2image/.+")
def delete_task() -> Response[str]:
    """Deletes a task for good, and answers with what stays of it."""
    caller = app.caller()
    task = delete(caller.name, app.either_id(caller.name, TaskStore()))
    logger.info("deleted", extra={"caller": caller.name})
    return app.answer(deleted_view(task))


@observed(
    "requestContext.requestId", clients=(aws.dynamodb, aws.secrets_manager, aws.s3, aws.events, Task.model_rebuild)
)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves API Gateway, and operators who may invoke the function (IAM)."""
    if "erase" in event:
        from kiln.erasure import ErasureRequest, erase  # noqa: PLC0415 - no request of the API needs it

        asked = ErasureRequest.model_validate(event)
        erasure = erase(asked)
        logger.info("erased", extra={"caller": asked.erase, "deleted": erasure.deleted, "left": erasure.left})
        return erasure.model_dump(mode="json")
    return app.resolve(event, context)
