"""The inbox function: new objects of the inbox bucket and requests from the bus become tasks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.drops.folder import folder_changed
from kiln.drops.object_events import object_arrived
from kiln.intake.bus_request import DETAIL_TYPE, task_requested
from kiln_lambda.observability import about, logger, observed, observed_record

batch = BatchProcessor(event_type=EventType.SQS)
checked: set[str] = set()


@observed_record
def inbox_message(record: SQSRecord) -> None:
    """Handles a notification of S3, a folder that is due for its last check, or a request from the bus."""
    message = json.loads(record.body)
    if "check_again" in message:
        folder_changed(**message["check_again"], is_last_check=True)
    if message.get("detail-type") == DETAIL_TYPE:
        task_requested(message)
    for each in message.get("Records", []):
        bucket, key = each["s3"]["bucket"]["name"], unquote_plus(each["s3"]["object"]["key"])
        for task in object_arrived(bucket, key, checked):
            about(task.task_id)
            logger.info("accepted", extra={"caller": task.caller})


@observed()
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Serves the inbox queue; only failed messages come back (partial batch responses)."""
    # The objects of this batch existed before it did, so one check of a folder sees them all.
    checked.clear()
    return process_partial_response(event, inbox_message, batch, context)
