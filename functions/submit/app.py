"""The submit function: create requests, dropped objects and requests from the bus become tasks; uploads, cancelling."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.intake.cancel import cancel
from kiln.intake.create import create, seconds_to_wait, wait_for_end
from kiln.intake.drop import folder_changed, object_arrived
from kiln.intake.requested import DETAIL_TYPE, task_requested
from kiln.intake.retry import retry
from kiln.intake.uploads import open_upload
from kiln_lambda.contract_api import ContractApi
from kiln_lambda.observability import about, logger, observed, observed_record

app = ContractApi()
batch = BatchProcessor(event_type=EventType.SQS)
looked_at: set[str] = set()


@app.post("/v1/images/multi-image2image")
def create_task() -> Response[str]:
    """Creates a task (contract); with ``Prefer: wait=N`` answers with the finished one, if it finishes in time."""
    caller = app.caller()
    headers = app.current_event.headers
    seconds = seconds_to_wait(headers.get("Prefer"))
    task = create(app.sent(), caller, idempotency_key=headers.get("Idempotency-Key"), is_waiting=seconds > 0)
    about(task.task_id)
    logger.info("accepted", extra={"caller": caller.name})
    if not seconds:
        return app.answer(task.created())
    task = wait_for_end(task, seconds)
    payload = task.found(app.public_url) if task.task_status.is_terminal else task.created()
    return app.answer(payload, headers={"Preference-Applied": f"wait={seconds}"})


@app.post("/v1/uploads")
def upload() -> Response[str]:
    """Opens a place to upload one image to."""
    return app.answer(open_upload(app.caller().name))


@app.post("/v1/images/multi-image2image/.+/cancel")
def cancel_task() -> Response[str]:
    """Ends a task that still waits for its turn."""
    caller = app.caller()
    return app.answer(cancel(caller.name, app.path_id()).found(app.public_url))


@app.post("/v1/images/multi-image2image/.+/retry")
def retry_task() -> Response[str]:
    """Creates a task with the same request as one that has ended."""
    caller = app.caller()
    task = retry(caller, app.path_id(), idempotency_key=app.current_event.headers.get("Idempotency-Key"))
    about(task.task_id)
    logger.info("accepted", extra={"caller": caller.name})
    return app.answer(task.created())


@observed_record
def inbox_message(record: SQSRecord) -> None:
    """Takes a notification of S3, a folder to be looked at once more, or a request from the bus."""
    message = json.loads(record.body)
    if "look_again" in message:
        folder_changed(**message["look_again"], is_last_look=True)
    if message.get("detail-type") == DETAIL_TYPE:
        task_requested(message)
    for each in message.get("Records", []):
        bucket, key = each["s3"]["bucket"]["name"], unquote_plus(each["s3"]["object"]["key"])
        for task in object_arrived(bucket, key, looked_at):
            about(task.task_id)
            logger.info("accepted", extra={"caller": task.caller})


@observed("requestContext.requestId")
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Serves API Gateway and the inbox queue; failed messages alone come back (partial batch responses)."""
    if "Records" in event:
        # What this batch tells of was there before the batch was: one look at a folder sees it all.
        looked_at.clear()
        return process_partial_response(event, inbox_message, batch, context)
    return app.resolve(event, context)
