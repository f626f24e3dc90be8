"""Damage that the reconciler mends, and outages of the provider that one task probes."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator, Sequence

from kiln.slots.gate_rule import UNNOTICED_SECONDS
from kiln.tasks import items
from kiln.workflow.rescue import RESTARTED
from local.receiver import Receiver
from tests.chaos.invariants import assert_kept
from tests.chaos.scenarios import IMAGES, create, someone_elses_slots
from tests.chaos.stacks import ChaosDeployment, client_of
from tests.integration.client import NEVER, wait_until

REFUSED = 1102
"""The account is refused, which closes the gate at once. Queries are still answered."""


def reconciled_tasks(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """A task without a workflow, slots of a task that is not stored, a task that waits for them, an incomplete batch.

    Nothing but the reconciler mends these. One run is broken, and the next ones are not.
    """
    with client_of(kiln) as client, _lost_ends_of_executions(kiln):
        kiln.set_faults(task_seconds=NEVER)
        lost = client.create(n=IMAGES)
        wait_until(lambda: kiln.generations(lost) and kiln.is_parked(lost), "the first task waits for its callback")
        with someone_elses_slots(kiln):
            waiting = create(client, marker, n=IMAGES)
            wait_until(lambda: kiln.is_parked(waiting), "the second task waits in the queue")
            kiln.aws.stepfunctions.stop_execution(executionArn=kiln.execution_arn(lost), error=RESTARTED)
            # A task is left alone while its stream record or its rescue may be on the way.
            kiln.set_numbers(items.task_key(lost), created_at=1, slots_acquired_at=1)
            batch = _add_incomplete_batch(kiln, client.caller.name)
            kiln.set_faults()
            kiln.finish()
            kiln.reconcile(marker)
            for _ in range(2):
                kiln.reconcile()
            assert_kept(kiln, client, lost, n=IMAGES)
            assert_kept(kiln, client, waiting, n=IMAGES)
            wait_until(lambda: kiln.batch_ends(batch), "the end of the batch is published")
            assert not kiln.holders()


def outage(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """Three tasks during an outage: the first bears the marker and probes, the others wait with their slots."""
    kiln.forget_gates()
    kiln.set_faults(account_error=REFUSED)
    with client_of(kiln) as client:
        tasks = [create(client, marker, n=IMAGES)]
        wait_until(lambda: kiln.gate().probes, "the gate is closed, and the first task probes")
        tasks += [client.create(n=IMAGES) for _ in range(2)]
        for waiting in tasks[1:]:
            wait_until(lambda waiting=waiting: kiln.is_parked(waiting), "another task waits for the gate")
        kiln.set_faults()
        wait_until_all_generated(kiln, tasks)
        for task_id in tasks:
            assert_kept(kiln, client, task_id, n=IMAGES)
        assert not kiln.gate().closed_at


def wait_until_all_generated(kiln: ChaosDeployment, tasks: Sequence[str]) -> None:
    """Waits until every task is at the provider; the reconciler runs when a crash may have gone unnoticed."""
    due = time.monotonic() + UNNOTICED_SECONDS + 1

    def all_generated() -> bool:
        nonlocal due
        if time.monotonic() > due:
            kiln.reconcile()
            due += UNNOTICED_SECONDS
        return all(map(kiln.generations, tasks))

    wait_until(all_generated, "every task is at the provider")


@contextlib.contextmanager
def _lost_ends_of_executions(kiln: ChaosDeployment) -> Iterator[None]:
    """No end of an execution is reported: EventBridge delivers these events as best it can."""
    rule = kiln.resource("RescueFunctionBroken").rpartition("|")[2]
    kiln.aws.events.disable_rule(Name=rule)
    try:
        yield
    finally:
        kiln.aws.events.enable_rule(Name=rule)


def _add_incomplete_batch(kiln: ChaosDeployment, caller: str) -> str:
    """A batch of one job whose request stopped before it accepted the job."""
    batch_id = uuid.uuid4().hex
    texts = {"batch_id": batch_id, "caller": caller, "channel": "api", "queue": items.INCOMPLETE}
    numbers = {"jobs": 1, "created_at": 1, "turn": 1}
    kiln.aws.dynamodb.put_item(
        TableName=kiln.here["table"],
        Item={
            **items.batch_key(batch_id),
            **{name: {"S": text} for name, text in texts.items()},
            **{name: {"N": str(number)} for name, number in numbers.items()},
        },
    )
    return batch_id
