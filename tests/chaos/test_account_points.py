"""The same with three provider accounts: wherever a task breaks, one account generates it, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.receiver import Receiver
from tests.chaos.account_scenarios import doubtful_task, moved_task, spread_task
from tests.chaos.scenes import Scene, break_scene
from tests.chaos.stacks import ChaosDeployment, broken_stack

DISPATCH = frozenset({"Dispatch"})

SCENES = {
    "spread": Scene(spread_task, DISPATCH | {"Poll"}),
    # These set faults for an account.
    "moved": Scene(moved_task, DISPATCH, at_once=1, reaches=3),
    "doubtful": Scene(doubtful_task, DISPATCH, at_once=1, reaches=3),
}


@pytest.fixture(scope="module")
def kiln(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosDeployment]:
    """A stack whose provider has three accounts."""
    with broken_stack(tmp_path_factory.mktemp("accounts"), provider_accounts=3) as deployed:
        yield deployed


@pytest.mark.parametrize("name", SCENES)
def test_crash_with_several_accounts_leaves_a_task_at_one(
    kiln: ChaosDeployment, receiver: Receiver, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = break_scene(kiln, receiver, SCENES[name])
    with capsys.disabled():
        print(f"\n  {name}: {figures}")  # noqa: T201 - the figures of the run
