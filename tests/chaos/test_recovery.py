"""A prober that dies while it holds the gate: another task takes over, and every other task continues."""

from __future__ import annotations

from kiln import clock
from kiln.slots.gate import Calls
from kiln.slots.gate_rule import LEASE_SECONDS
from kiln.tasks import items
from local.receiver import Receiver
from tests.chaos.invariants import assert_kept
from tests.chaos.plans import CRASH_AFTER, Plan, Point, new_marker
from tests.chaos.recovery_scenarios import REFUSED, wait_until_all_generated
from tests.chaos.scenarios import IMAGES, create
from tests.chaos.stacks import ChaosDeployment, client_of
from tests.integration.client import wait_until

ASKS = Point("Dispatch", "httpx.GET", occurrence=1, reach=1)
HANG_S = 4.0


def test_another_task_probes_when_the_prober_dies_during_its_probe(kiln: ChaosDeployment, receiver: Receiver) -> None:
    kiln.set_faults(account_error=REFUSED)
    marker = new_marker()
    with client_of(kiln) as client:
        prober = create(client, marker, n=IMAGES)
        wait_until(lambda: kiln.gate().probes, "the first task probes")
        others = [client.create(n=IMAGES) for _ in range(3)]
        for waiting in others:
            wait_until(lambda waiting=waiting: kiln.is_parked(waiting), "another task waits for the gate")
        # The function dies when its look-up is answered; before that, its execution is stopped for good.
        kiln.set_faults(account_error=REFUSED, hang_s=HANG_S)
        kiln.injector.arm(marker, Plan(ASKS, CRASH_AFTER))
        wait_until(lambda: kiln.injector.is_any_struck(marker), "the first task looks itself up")
        kiln.aws.stepfunctions.stop_execution(executionArn=kiln.execution_arn(prober))
        client.wait_for(prober, "failed")
        kiln.wait_for_end(prober)
        assert kiln.gate().prober == prober
        kiln.set_faults()
        new = client.create(n=IMAGES)
        wait_until(lambda: kiln.is_parked(new), "a new task waits for the gate too")
        assert kiln.gate().probe_at > clock.milliseconds()
        # The time of the probe is over.
        kiln.set_numbers(
            items.gate_key("default", Calls.CREATE.value), probe_at=clock.milliseconds() - LEASE_SECONDS * 1_000
        )
        kiln.reconcile()
        wait_until_all_generated(kiln, [*others, new])
        for task_id in (*others, new):
            assert_kept(kiln, client, task_id, n=IMAGES)
        assert kiln.generations(prober) == 0
        assert not kiln.holders()
