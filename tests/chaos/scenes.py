"""Scenes: a scenario that runs once for every way to break every call of some of its functions."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field

from local.receiver import Receiver
from tests.chaos.breaking import Account, break_at, record
from tests.chaos.invariants import assert_usage_counted_once
from tests.chaos.plans import Point, plans_for
from tests.chaos.scenarios import Scenario
from tests.chaos.stacks import ChaosDeployment

AT_ONCE = int(os.environ.get("KILN_CHAOS_AT_ONCE", "3"))
MOST_PLANS = int(os.environ.get("KILN_CHAOS_PLANS", "100000"))
"""So many plans of each scene run, drawn by the seed."""

SEED = int(os.environ.get("KILN_CHAOS_SEED", "20260"))


@dataclass(frozen=True)
class Scene:
    """A scenario, and the calls in it that break.

    Attributes:
        scenario: It runs once for each plan.
        functions: The functions that break.
        faults: The provider's faults.
        at_once: How many plans run at the same time.
        reaches: How many invocations of a function break; the later ones of a loop are alike.
    """

    scenario: Scenario
    functions: frozenset[str]
    faults: dict[str, object] = field(default_factory=dict)
    at_once: int = AT_ONCE
    reaches: int = 100

    def breaks(self, point: Point) -> bool:
        """Whether a point of the recording is broken."""
        return point.function in self.functions and point.reach <= self.reaches


def break_scene(kiln: ChaosDeployment, receiver: Receiver, scene: Scene) -> str:
    """Records a scene, breaks it at its points, and checks what must hold.

    Returns:
        The figures of the run.
    """
    kiln.set_faults(**scene.faults)
    points = [point for point in record(kiln, receiver, scene.scenario) if scene.breaks(point)]
    every = plans_for(points)
    plans = random.Random(SEED).sample(every, min(MOST_PLANS, len(every)))
    account = break_at(kiln, receiver, scene.scenario, plans, at_once=scene.at_once)
    figures = f"{len(points)} points, {len(plans)} of {len(every)} plans, {account}"
    _assert_all_kept(kiln, account, figures)
    return figures


def _assert_all_kept(kiln: ChaosDeployment, account: Account, figures: str) -> None:
    broken = "\n".join(f"{plan}: {what}" for plan, what in account.broken.items())
    assert not account.broken, f"{figures}\n{broken}"
    # Points that depend on the moment of a callback differ between runs; the first point never does.
    assert len(account.kept) >= len(account.missed), account
    assert not kiln.holders()
    assert kiln.dead_letters() == 0
    assert kiln.unfinished() == []
    assert_usage_counted_once(kiln)
