"""The same mixtures where the provider has three accounts, and faults strike some of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.chaos.mixtures import SEEDS, assert_mixture_breaks_nothing
from tests.chaos.plans import Point
from tests.chaos.scenarios import IMAGES
from tests.chaos.stacks import ChaosDeployment, broken_stack


@pytest.fixture(scope="module")
def kiln(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosDeployment]:
    """A stack with three accounts, each with room for one task, so that half of the tasks wait."""
    parameters = {"ProviderSlots": str(IMAGES)}
    with broken_stack(tmp_path_factory.mktemp("accounts"), parameters, provider_accounts=3) as deployed:
        yield deployed


@pytest.mark.parametrize("seed", SEEDS)
def test_mixture_of_faults_by_account_keeps_every_invariant(
    kiln: ChaosDeployment, points: Sequence[Point], seed: int
) -> None:
    assert_mixture_breaks_nothing(kiln, points, seed, accounts=kiln.here["provider_accounts"].split(","))
