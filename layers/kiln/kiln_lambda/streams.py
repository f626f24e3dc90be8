"""How a function serves the records of the table's stream: all of a batch are taken, or all come again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext


def process_whole(
    event: dict[str, Any], handle: Callable[[DynamoDBRecord], None], batch: BatchProcessor, context: LambdaContext
) -> Any:
    """Handles every record, each of which can be repeated, and returns the answer to Lambda.

    Raises:
        RuntimeError: A record failed. A partial batch response does not do: the local AWS repeats whole batches only.
            A task without a workflow would keep its slots until the reconciler starts it, three minutes later.
    """
    answer = process_partial_response(event, handle, batch, context)
    if failed := len(answer["batchItemFailures"]):
        raise RuntimeError(f"expected every record to be taken, {failed} of {len(event['Records'])} failed")
    return answer
