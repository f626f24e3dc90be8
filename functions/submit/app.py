"""The submit function: create, cancel and retry over the API, and uploads of big images."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.intake.cancel import cancel
from kiln.intake.create import create, seconds_left, seconds_to_wait, wait_for_end
from kiln.intake.uploads import open_upload
from kiln.retry import retry
from kiln.tasks.store import TaskStore
from kiln.tasks.views import created_view, found_view
from kiln_lambda.contract_api import ContractApi
from kiln_lambda.observability import about, logger, observed

app = ContractApi()


@app.post("/v1/images/multi-image2image")
def create_task() -> Response[str]:
    """Creates a task (contract); with ``Prefer: wait=N`` answers with the finished one, if it finishes in time."""
    caller = app.caller()
    headers = app.current_event.headers
    seconds = seconds_to_wait(headers.get("Prefer"))
    created = create(app.sent(), caller, idempotency_key=headers.get("Idempotency-Key"), is_waiting=seconds > 0)
    task, named = created.task, app.naming(created.ignored)
    about(task.task_id)
    logger.info("accepted", extra={"caller": caller.name, "ignored": created.ignored})
    if not seconds:
        return app.answer(created_view(task), named)
    task = wait_for_end(task, seconds_left(seconds, app.current_event.request_context.request_time_epoch))
    answer = found_view(task, app.public_url) if task.task_status.is_terminal else created_view(task)
    return app.answer(answer, {**named, "Preference-Applied": f"wait={seconds}"})


@app.post("/v1/uploads")
def upload() -> Response[str]:
    """Creates an upload for one image."""
    return app.answer(open_upload(app.caller()))


@app.post("/v1/images/multi-image2image/.+/cancel")
def cancel_task() -> Response[str]:
    """Ends a task that still waits in the queue."""
    caller = app.caller()
    return app.answer(found_view(cancel(caller.name, app.either_id(caller.name, TaskStore())), app.public_url))


@app.post("/v1/images/multi-image2image/.+/retry")
def retry_task() -> Response[str]:
    """Creates a task with the same request as one that has ended."""
    caller = app.caller()
    task = retry(
        caller,
        app.either_id(caller.name, TaskStore()),
        idempotency_key=app.current_event.headers.get("Idempotency-Key"),
    )
    about(task.task_id)
    logger.info("accepted", extra={"caller": caller.name})
    return app.answer(created_view(task))


@observed("requestContext.requestId", clients=(aws.dynamodb, aws.secrets_manager))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves API Gateway."""
    return app.resolve(event, context)
