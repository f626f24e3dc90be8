"""The submit function: create, cancel and retry over the API, uploads of big images, and tests of webhooks."""

# ruff: noqa: PLC0415 - what one route alone needs is imported in it: a cold start takes one route

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.intake.create import create
from kiln.intake.uploads import open_upload
from kiln.tasks.estimates import Estimates
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.tasks.views import created_view, found_view
from kiln.tasks.waiting import seconds_left, seconds_to_wait, wait_for_end
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
        return _created(task, named)
    named["Preference-Applied"] = f"wait={seconds}"
    task = wait_for_end(task, seconds_left(seconds, app.requested_at))
    if not task.task_status.is_terminal:
        return _created(task, named)
    return app.answer(found_view(task, app.public_url), {**named, "Location": app.address_of(task)})


def _created(task: Task, headers: dict[str, str] | None = None) -> Response[str]:
    """Answers with a new task: where it can be queried, and when that is worth it."""
    retry_after = Estimates().recent().retry_after()
    where = {"Location": app.address_of(task), "Retry-After": str(retry_after)}
    return app.answer(created_view(task), {**(headers or {}), **where})


@app.post("/v1/batches")
def create_tasks() -> Response[str]:
    """Creates a task for each job of a list."""
    from kiln.intake.batch import create_batch
    from kiln.tasks.batch_views import created_batch_view

    caller = app.caller()
    created = create_batch(app.sent(), caller, idempotency_key=app.current_event.headers.get("Idempotency-Key"))
    batch = created.batch
    logger.info("accepted a batch", extra={"caller": caller.name, "batch_id": batch.batch_id, "jobs": batch.jobs})
    where = {"Location": f"{app.public_url}/v1/batches/{batch.batch_id}"}
    return app.answer(created_batch_view(batch), {**app.naming(created.ignored), **where})


@app.post("/v1/batches/.+/cancel")
def cancel_tasks() -> Response[str]:
    """Cancels the tasks of a batch that still wait in the queue."""
    from kiln.contract import ListQuery
    from kiln.intake.batch import cancel_batch
    from kiln.tasks.batch_views import found_batch_view

    batch = cancel_batch(app.caller().name, app.id_in_path)
    return app.answer(found_batch_view(batch, ListQuery(), app.public_url))


@app.post("/v1/uploads")
def upload() -> Response[str]:
    """Creates an upload for one image."""
    return app.answer(open_upload(app.caller()))


@app.post("/v1/webhooks/test")
def webhook_test() -> Response[str]:
    """Sends one signed sample to a receiver, and answers with what it said."""
    from kiln.intake.sample_webhook import send_sample

    return app.answer(send_sample(app.sent(), app.caller()))


@app.post("/v1/images/multi-image2image/.+/cancel")
def cancel_task() -> Response[str]:
    """Ends a task that still waits in the queue."""
    from kiln.intake.cancel import cancel

    caller = app.caller()
    return app.answer(found_view(cancel(caller.name, app.either_id(caller.name, TaskStore())), app.public_url))


@app.post("/v1/images/multi-image2image/.+/retry")
def retry_task() -> Response[str]:
    """Creates a task with the same request as one that has ended."""
    from kiln.retry import retry

    caller = app.caller()
    task = retry(
        caller,
        app.either_id(caller.name, TaskStore()),
        idempotency_key=app.current_event.headers.get("Idempotency-Key"),
    )
    about(task.task_id)
    logger.info("accepted", extra={"caller": caller.name})
    return _created(task)


@observed("requestContext.requestId", clients=(aws.dynamodb, aws.secrets_manager, Task.model_rebuild))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves API Gateway."""
    return app.resolve(event, context)
