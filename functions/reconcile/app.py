"""The reconcile function: compares what is recorded with what runs, once a minute, and measures the queue."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln import aws
from kiln.drops.dead_letters import take_up
from kiln.workflow.reconcile import reconcile
from kiln_lambda.observability import logger, observed


@observed(clients=(aws.dynamodb, aws.secrets_manager, aws.sqs))
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves the schedule."""
    done = reconcile()
    taken_up = take_up()
    if taken_up:
        logger.warning("dead letters taken up again", extra={"messages": taken_up})
    if done.started or done.woken or done.batches:
        found = {"started": done.started, "woken": done.woken, "batches": done.batches}
        logger.warning("reconciled", extra=found)
    return done.model_dump(mode="json")
