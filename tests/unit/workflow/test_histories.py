"""No deadline that a parameter allows can fill an execution's history: the worst case of every loop, in events."""

from __future__ import annotations

import pytest

from kiln import clock
from kiln.provider import ProviderError, Verdict
from kiln.slots.gate import Calls
from kiln.slots.gate_rule import LAST_PROBE_SECONDS, LATE_SHARE
from kiln.tasks.task import Task
from kiln.workflow import collect, dispatch, poll, recovery
from tests.support.account import template
from tests.support.samples import make_task
from tests.support.workflow import nexts, reachable, rendered

MOST_EVENTS = 12_000
"""Half of what Step Functions keeps of an execution (25,000), as a restart counts from its own beginning."""

STATES = rendered("TaskWorkflow")["States"]

EVENTS = {"Choice": 2, "Wait": 2, "Task": 6}
"""Entered and left; a task is also scheduled, started, submitted and ended (TaskSubmitted: parking only)."""


def most(parameter: str) -> int:
    return int(template()["Parameters"][parameter]["MaxValue"])


def least(parameter: str) -> int:
    return int(template()["Parameters"][parameter]["MinValue"])


def events_of(*path: str) -> int:
    for name, following in zip(path, [*path[1:], path[0]], strict=True):
        assert following in set(nexts(STATES[name])), f"{name} does not lead to {following}"
    return sum(EVENTS[STATES[name]["Type"]] for name in path)


def rounds(deadline: int, wait: object, **moments: str) -> int:
    """How often a step is repeated until a deadline, if each wait is as short as it may be."""
    now = clock.milliseconds()
    age, number = 0, 0
    while age <= deadline:
        number += 1
        task = make_task(dispatch_attempts=number, **dict.fromkeys(moments.values(), now - age * 1000))
        age += max(1, wait(task))  # type: ignore[operator]
    return number


@pytest.fixture(autouse=True)
def _shortest(monkeypatch) -> None:
    monkeypatch.setattr("random.randint", lambda low, _: low)


def dispatch_wait(task: Task) -> int:
    return dispatch._wait(task, ProviderError(Verdict.RETRY, "no answer"))


def late_probes(deadline: int) -> int:
    """How often a task that has used its many probes is woken for another: once a minute at most."""
    closed_for, number = 60 * LATE_SHARE, 0
    while closed_for <= deadline:
        number += 1
        closed_for += max(60, closed_for // LATE_SHARE)
    return number


def test_dispatching_fits():
    deadline = most("DispatchDeadlineSeconds") + most("CollectDeadlineSeconds")
    assert rounds(deadline, dispatch_wait, of="slots_acquired_at") * events_of(
        "Dispatch", "IsDispatched?", "WaitToDispatch"
    ) <= (MOST_EVENTS)


def test_probing_creates_fits():
    deadline = most("DispatchDeadlineSeconds") + most("CollectDeadlineSeconds")
    often = recovery.MANY_PROBES[Calls.CREATE] * events_of("Dispatch", "IsDispatched?", "WaitToDispatch")
    seldom = late_probes(deadline) * events_of("Dispatch", "IsDispatched?", "AwaitTurn")
    # The provider may also be there and full in between.
    full = rounds(deadline, dispatch_wait, of="slots_acquired_at") * events_of(
        "Dispatch", "IsDispatched?", "WaitToDispatch"
    )
    assert often + seldom + full <= MOST_EVENTS


def test_nine_holders_probe_for_more_than_a_day():
    assert 9 * recovery.MANY_PROBES[Calls.CREATE] * LAST_PROBE_SECONDS > 86_400


def test_polling_fits():
    deadline = max(most("GenerationDeadlineSeconds"), most("CollectDeadlineSeconds"))
    slow = STATES["AwaitCallbackLonger"]["TimeoutSeconds"]
    assert slow >= least("PollAfterSeconds")
    assert recovery.MANY_PROBES[Calls.QUERY] >= poll.MANY_POLLS
    # A poll is one of the first ones, a probe, one of the slow ones, or a late probe.
    often = recovery.MANY_PROBES[Calls.QUERY] * max(
        events_of("AwaitCallback", "Poll", "IsGenerated?"), events_of("Poll", "IsGenerated?", "WaitToPoll")
    )
    seldom = -(-deadline // slow) + late_probes(deadline)
    assert often + seldom * events_of("AwaitCallbackLonger", "Poll", "IsGenerated?") <= MOST_EVENTS


def test_collecting_fits():
    assert rounds(most("CollectDeadlineSeconds"), collect._wait, of="collecting_at") * events_of(
        "Collect", "AreImagesStored?", "WaitToCollect"
    ) <= (MOST_EVENTS)


def test_waiting_for_a_turn_fits_for_a_year():
    days = 365 * 86_400 // STATES["AwaitTurn"]["TimeoutSeconds"]
    assert days * events_of("AwaitTurn", "Dispatch", "IsDispatched?") <= MOST_EVENTS


def test_retries_of_a_step_fit():
    for name, state in STATES.items():
        for rule in state.get("Retry", []):
            # Failed, scheduled and started again.
            assert rule["MaxAttempts"] * 3 <= MOST_EVENTS, name


def test_no_other_loop_is_there():
    """Every cycle of the graph goes through one of the states that the tests above count."""
    waits = {"WaitToDispatch", "WaitToPoll", "WaitToCollect"}
    counted = frozenset(waits | {"AwaitTurn", "AwaitCallback", "AwaitCallbackLonger"})
    for name in STATES:
        if name not in counted:
            following = {each for each in nexts(STATES[name]) if each not in counted}
            assert all(name not in reachable(STATES, each, without=counted) for each in following), name
