"""Seeded mixtures: the provider's faults, broken calls within Kiln, lying callbacks, repeated notifications."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.chaos.mixtures import SEEDS, assert_mixture_breaks_nothing
from tests.chaos.plans import Point
from tests.chaos.stacks import ChaosDeployment


@pytest.mark.parametrize("seed", SEEDS)
def test_mixture_of_faults_keeps_every_invariant(kiln: ChaosDeployment, points: Sequence[Point], seed: int) -> None:
    assert_mixture_breaks_nothing(kiln, points, seed)
