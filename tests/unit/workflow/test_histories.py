"""No deadline that a parameter allows can fill an execution's history: the worst case of every loop, in events."""

from __future__ import annotations

import pytest

from kiln import clock
from kiln.workflow import collect, dispatch, poll
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


def test_dispatching_fits():
    deadline = most("DispatchDeadlineSeconds") + most("CollectDeadlineSeconds")
    assert rounds(deadline, dispatch._wait, of="slots_acquired_at") * events_of(
        "Dispatch", "IsDispatched?", "WaitToDispatch"
    ) <= (MOST_EVENTS)


def test_polling_fits():
    deadline = max(most("GenerationDeadlineSeconds"), most("CollectDeadlineSeconds"))
    slow = STATES["AwaitCallbackLonger"]["TimeoutSeconds"]
    assert slow >= least("PollAfterSeconds")
    often = poll.MANY_POLLS * events_of("AwaitCallback", "Poll", "IsGenerated?")
    seldom = -(-deadline // slow) * events_of("AwaitCallbackLonger", "Poll", "IsGenerated?")
    assert often + seldom <= MOST_EVENTS


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
    counted = frozenset({"WaitToDispatch", "WaitToCollect", "AwaitTurn", "AwaitCallback", "AwaitCallbackLonger"})
    for name in STATES:
        if name not in counted:
            following = {each for each in nexts(STATES[name]) if each not in counted}
            assert all(name not in reachable(STATES, each, without=counted) for each in following), name
