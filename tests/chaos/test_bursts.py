"""A thousand jobs dropped at once, nine slots: no task is refused, starved or lost, or costs more."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from tests.chaos.crowds import assert_served, drop_at_once, footprint
from tests.chaos.stacks import ChaosDeployment, broken_stack
from tests.integration.client import wait_until

SLOTS = 9
SIZES = [int(size) for size in os.environ.get("KILN_CHAOS_BURST", "10,100,1000").split(",")]

MOST_PROCESSES = 110
"""Nine slots at each of five steps, nine callbacks and ten readers of the inbox at once, one of each other function."""

AT_REST = 25
"""One process of each function, and the local AWS itself."""


@pytest.fixture(scope="module")
def kiln(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosDeployment]:
    """A stack that takes its messages as the template says."""
    with broken_stack(tmp_path_factory.mktemp("burst"), {}, one_at_a_time=False) as deployed:
        yield deployed


def test_burst_of_a_thousand_tasks_finishes(kiln: ChaosDeployment, capsys: pytest.CaptureFixture[str]) -> None:
    kiln.set_faults(task_seconds=1)
    bursts = []
    for size in SIZES:
        burst = drop_at_once(kiln, f"burst-{size}", size)
        with capsys.disabled():
            print(f"\n  {burst.summary(SLOTS)}")  # noqa: T201 - the figures of the run
        assert_served(kiln, burst, SLOTS)
        assert burst.processes <= MOST_PROCESSES
        bursts.append(burst)
    # In a short crowd most tasks find a free slot and never wait, so only the long crowds are compared.
    waited = bursts[1:]
    for shorter, longer in itertools.pairwise(waited):
        assert longer.calls <= shorter.calls * 1.1
        assert longer.processes <= shorter.processes * 1.5
        assert longer.megabytes <= shorter.megabytes * 1.5
        assert longer.transitions_per_task() <= shorter.transitions_per_task() * 1.1
    wait_until(lambda: footprint(kiln)[0] <= AT_REST, "the crowd's processes are gone", timeout=300)
