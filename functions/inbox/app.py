"""The inbox function: new objects of the inbox bucket and requests from the bus become tasks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.drops.check import check_folder
from kiln.drops.folder import job_file_arrived
from kiln.drops.object_events import object_arrived
from kiln.drops.reader import InboxReader
from kiln.intake.bus_request import DETAIL_TYPE, task_requested
from kiln_lambda.observability import about, logger, observed, observed_record

batch = BatchProcessor(event_type=EventType.SQS)
reader: InboxReader


@observed_record
def inbox_message(record: SQSRecord) -> None:
    """Handles a notification of S3, a folder that is due for a check, the next jobs of a list, or a request."""
    message = json.loads(record.body)
    tasks = []
    if "check_again" in message:
        tasks += check_folder(reader, **message["check_again"])
    if "next_jobs" in message:
        tasks += job_file_arrived(reader, **message["next_jobs"])
    if message.get("detail-type") == DETAIL_TYPE:
        task_requested(message)
    for each in message.get("Records", []):
        bucket, key = each["s3"]["bucket"]["name"], unquote_plus(each["s3"]["object"]["key"])
        tasks += object_arrived(bucket, key, reader)
    for task in tasks:
        about(task.task_id)
        logger.info("accepted", extra={"caller": task.caller})


@observed(clients=(aws.dynamodb, aws.secrets_manager))
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Serves the inbox queue; only failed messages come back (partial batch responses)."""
    global reader  # noqa: PLW0603 - the batch processor passes a record alone
    # The objects of this batch existed before it did, so one look at each is enough.
    reader = InboxReader()
    return process_partial_response(event, inbox_message, batch, context)
