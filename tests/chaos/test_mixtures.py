"""Seeded mixtures: the provider's faults, broken calls within Kiln, lying callbacks, repeated notifications."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from local.receiver import Receiver
from tests.chaos.breaking import record
from tests.chaos.mixtures import draw, run
from tests.chaos.plans import Point
from tests.chaos.scenarios import api_task, dropped_task
from tests.chaos.stacks import ChaosDeployment

SEED = int(os.environ.get("KILN_CHAOS_SEED", "20260"))
MIXTURES = int(os.environ.get("KILN_CHAOS_MIXTURES", "60"))
TASKS = 6


@pytest.fixture(scope="module")
def points(kiln: ChaosDeployment, receiver: Receiver) -> Sequence[Point]:
    """Where a mixture may break Kiln from within."""
    found = {*record(kiln, receiver, api_task), *record(kiln, receiver, dropped_task)}
    return sorted(point for point in found if point.function != "Query")


@pytest.mark.parametrize("seed", range(SEED, SEED + MIXTURES))
def test_mixture_of_faults_keeps_every_invariant(kiln: ChaosDeployment, points: Sequence[Point], seed: int) -> None:
    mixture = draw(seed, points, tasks=TASKS)
    print(mixture)  # noqa: T201 - shown beside a failure
    ended = run(kiln, mixture)
    assert sum(ended.values()) == TASKS
    assert not kiln.holders()
    assert kiln.dead_letters() == 0
