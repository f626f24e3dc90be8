"""The batch function: the table's stream reports ended tasks of batches, finished batches, and nearly used budgets."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.events import BusRefused
from kiln.workflow import batch as batches
from kiln.workflow import budget
from kiln_lambda.observability import logger, observed, observed_record
from kiln_lambda.streams import process_whole

batch = BatchProcessor(event_type=EventType.DynamoDBStreams)


@observed_record
def changed_item(record: DynamoDBRecord) -> None:
    """Counts one task that has ended, or publishes the end of one batch or that one budget is nearly used."""
    image = record.raw_event["dynamodb"]["NewImage"]
    is_usage = image["pk"]["S"].startswith(budget.KEY_PREFIX)
    try:
        published = budget.changed(image) if is_usage else batches.changed(image)
    except Exception as error:
        if aws.may_pass(error) or isinstance(error, BusRefused):
            raise
        # The same record would fail again, and hold up the records behind it for a day.
        logger.exception("the budget cannot be followed" if is_usage else "the batch cannot be followed")
        return
    if published and is_usage:
        logger.info("budget nearly used", extra={"caller": published})
    elif published:
        logger.info("batch finished", extra={"batch_id": published})


@observed(clients=(aws.dynamodb,))
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Serves the table's stream; a batch with a record that failed comes again."""
    return process_whole(event, changed_item, batch, context)
