"""Breaks every call that a healthy run makes to the outside: before it, after it, its answer lost, refused."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest

from local.receiver import Receiver
from tests.chaos.breaking import Account, break_at, record
from tests.chaos.plans import plans_for
from tests.chaos.scenarios import (
    Scenario,
    api_task,
    dropped_task,
    queued_tasks,
    requested_task,
    restarted_task,
    stopped_task,
)
from tests.chaos.stacks import ChaosDeployment

AT_ONCE = int(os.environ.get("KILN_CHAOS_AT_ONCE", "3"))

EVERYTHING = frozenset({"Submit", "Start", "Dispatch", "Callback", "Poll", "Collect", "Release", "Notify"})
"""Every function that a task comes by, but for ``Query``: it may change nothing, and who asked asks again."""


def assert_all_kept(kiln: ChaosDeployment, account: Account) -> None:
    assert not account.broken, "\n".join(f"{plan}: {what}" for plan, what in account.broken.items())
    # Points that depend on the moment of a callback differ between runs; the first point never does.
    assert len(account.kept) >= len(account.missed), account
    assert not kiln.holders()
    assert kiln.dead_letters() == 0
    assert kiln.unfinished() == []


@dataclass(frozen=True)
class Scene:
    """A scenario, the functions that break, the provider's faults, and the number of tasks at once."""

    scenario: Scenario
    functions: frozenset[str]
    faults: dict[str, object] = field(default_factory=dict)
    at_once: int = AT_ONCE


SCENES = {
    "api": Scene(api_task, EVERYTHING),
    "api-without-callbacks": Scene(
        api_task, frozenset({"Dispatch", "Poll", "Collect", "Release"}), {"drop_callbacks": True}
    ),
    "drop": Scene(dropped_task, frozenset({"Inbox", "Start", "Notify"})),
    "event": Scene(requested_task, frozenset({"Inbox", "Start"})),
    # It takes all but two of the slots, so nothing may run beside it.
    "queue": Scene(queued_tasks, frozenset({"Dispatch", "Release"}), at_once=1),
    "restart": Scene(restarted_task, frozenset({"Rescue"}), {"task_seconds": 1.5}),
    "stop": Scene(stopped_task, frozenset({"Rescue"}), {"task_seconds": 1.5}),
}


@pytest.mark.parametrize("name", SCENES)
def test_crash_at_any_call_leaves_no_task_unfinished(
    kiln: ChaosDeployment, receiver: Receiver, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = SCENES[name]
    kiln.set_faults(**scene.faults)
    points = [point for point in record(kiln, receiver, scene.scenario) if point.function in scene.functions]
    plans = plans_for(points)
    account = break_at(kiln, receiver, scene.scenario, plans, at_once=scene.at_once)
    with capsys.disabled():
        print(f"\n  {len(points)} points, {account}")  # noqa: T201 - the figures of the run
    assert_all_kept(kiln, account)
