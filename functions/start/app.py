"""The start function: the table's stream reports each new task, and the function starts its workflow."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.workflow.start import dead_letter, start
from kiln_lambda.observability import about, logger, observed, observed_record
from kiln_lambda.streams import process_whole

batch = BatchProcessor(event_type=EventType.DynamoDBStreams)


@observed_record
def new_task(record: DynamoDBRecord) -> None:
    """Starts the workflow of one new task."""
    image = record.raw_event["dynamodb"]["NewImage"]
    about(image["pk"]["S"].removeprefix("TASK#"))
    try:
        start(image)
    except Exception as error:
        if aws.may_pass(error):
            raise
        # The same record would fail again, and hold up the records behind it for a day.
        logger.exception("the workflow cannot be started")
        dead_letter(image)
        return
    logger.info("started")


@observed(clients=(aws.step_functions,))
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Serves the table's stream; a batch with a record that failed comes again."""
    return process_whole(event, new_task, batch, context)
