"""Brings a shared stack to rest between tests: nothing is left of an earlier test that a later one could meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kiln.slots.gate import Calls
from kiln.slots.hand_over import is_throttled
from kiln.tasks import items
from tests.integration.client import wait_until

if TYPE_CHECKING:
    from tests.integration.driver import Deployment

REST_S = 600.0
"""A message of the inbox that broke comes back after three minutes."""


def come_to_rest(kiln: Deployment) -> None:
    """Ends faults and a pause, waits until every task has ended, then opens gates and frees throttled slots."""
    kiln.set_faults()
    if "paused_at" in kiln.slots_item():
        kiln.operate("resume")
    wait_until(lambda: _has_ended_all(kiln), "the tasks of earlier tests have ended", timeout=REST_S)
    # A gate opens by the next task's probe and a slot is throttled for a while: no later task has to wait for either.
    for account in kiln.here["provider_accounts"].split(","):
        for calls in Calls:
            key = items.gate_key(account, calls.value)
            kiln.aws.dynamodb.delete_item(TableName=kiln.here["table"], Key=key)
    throttled = {name for name in kiln.holders() if is_throttled(name)}
    if throttled:
        kiln.aws.dynamodb.update_item(
            TableName=kiln.here["table"],
            Key=items.SLOTS_KEY,
            UpdateExpression="DELETE holders :throttled",
            ExpressionAttributeValues={":throttled": {"SS": sorted(throttled)}},
        )


def _has_ended_all(kiln: Deployment) -> bool:
    kiln.finish()
    machine: Any = kiln.here["state_machine_arn"]
    return not (
        any(_queued(kiln, queue) for queue in (items.WAITING, items.RUNNING))
        or kiln.aws.stepfunctions.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
        or [name for name in kiln.holders() if not is_throttled(name)]
    )


def _queued(kiln: Deployment, queue: str) -> int:
    """How many tasks wait for their workflow or for slots, or run."""
    return kiln.aws.dynamodb.query(
        TableName=kiln.here["table"],
        IndexName=items.BY_TURN,
        KeyConditionExpression="queue = :queue",
        ExpressionAttributeValues={":queue": {"S": queue}},
        Select="COUNT",
    )["Count"]
