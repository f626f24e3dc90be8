"""Breaks every call that a healthy run makes to the outside: before it, after it, its answer lost, refused."""

from __future__ import annotations

import pytest

from local.receiver import Receiver
from tests.chaos.batch_scenarios import abandoned_batch, repeated_batch
from tests.chaos.recovery_scenarios import outage, reconciled_tasks
from tests.chaos.scenarios import (
    api_task,
    deleted_task,
    dropped_task,
    queued_tasks,
    requested_task,
    restarted_task,
    stopped_task,
)
from tests.chaos.scenes import Scene, break_scene
from tests.chaos.stacks import ChaosDeployment

EVERYTHING = frozenset({"Submit", "Start", "Dispatch", "Callback", "Poll", "Collect", "Notify"})
"""Every function that a task comes by, but for ``Query``: it may change nothing, and who asked asks again."""

SCENES = {
    "api": Scene(api_task, EVERYTHING),
    "api-without-callbacks": Scene(api_task, frozenset({"Dispatch", "Poll", "Collect"}), {"drop_callbacks": True}),
    "drop": Scene(dropped_task, frozenset({"Inbox", "Start", "Notify"})),
    "event": Scene(requested_task, frozenset({"Inbox", "Start"})),
    # It takes all but two of the slots, so nothing may run beside it.
    "queue": Scene(queued_tasks, frozenset({"Dispatch", "Poll"}), at_once=1),
    "restart": Scene(restarted_task, frozenset({"Rescue"}), {"task_seconds": 1.5}),
    "stop": Scene(stopped_task, frozenset({"Rescue"}), {"task_seconds": 1.5}),
    "repeated-batch": Scene(repeated_batch, frozenset({"Submit", "Batch"})),
    "abandoned-batch": Scene(abandoned_batch, frozenset({"Submit"})),
    "delete": Scene(deleted_task, frozenset({"Delete"})),
    # These set faults for all tasks.
    "reconcile": Scene(reconciled_tasks, frozenset({"Reconcile"}), at_once=1),
    "outage": Scene(outage, frozenset({"Dispatch"}), at_once=1, reaches=3),
}


@pytest.mark.parametrize("name", SCENES)
def test_crash_at_any_call_leaves_no_task_unfinished(
    kiln: ChaosDeployment, receiver: Receiver, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = break_scene(kiln, receiver, SCENES[name])
    with capsys.disabled():
        print(f"\n  {name}: {figures}")  # noqa: T201 - the figures of the run
