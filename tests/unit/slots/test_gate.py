"""The gate of a provider account: when it closes, which task may probe, and what opens it."""

from __future__ import annotations

import pytest

from kiln import clock
from kiln.slots.gate import Advice, Calls, Gate
from kiln.slots.gate_rule import FAILURES, GateState, Lesson, probe_seconds
from tests.support.clock import StoppedClock

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def now(monkeypatch) -> StoppedClock:
    return StoppedClock(monkeypatch)


def call(task_id: str, lesson: Lesson, calls: Calls = Calls.CREATE) -> Advice | None:
    """Returns the advice that a task gets after its call; ``None`` if it may not call."""
    gate = Gate(calls)
    return gate.learn(task_id, lesson, "no answer") if gate.admits(task_id) else None


def close(now: StoppedClock, lesson: Lesson = Lesson.AWAY) -> None:
    """Closes the gate. ``prober`` is the task that probes."""
    for number in range(FAILURES - 1 if lesson is Lesson.AWAY else 0):
        call(f"task-{number}", lesson)
    assert call("prober", lesson) == Advice(is_closed=True, probe_after=2)


def test_first_failures_close_nothing():
    assert [call("task-1", Lesson.AWAY) for _ in range(FAILURES - 1)] == [Advice()] * (FAILURES - 1)


def test_failures_in_a_row_close_the_gate_for_every_task(now):
    close(now)
    assert call("task-1", Lesson.PASSED) is None
    state = Gate(Calls.CREATE).state()
    assert (state.reason, state.is_refused, state.prober) == ("no answer", False, "prober")


@pytest.mark.parametrize("lesson", [Lesson.PASSED, Lesson.ANSWERED])
def test_an_answer_between_failures_keeps_the_gate_open(lesson):
    for _ in range(3):
        for _ in range(FAILURES - 1):
            call("task-1", Lesson.AWAY)
        assert call("task-2", lesson) == Advice()
    assert not Gate(Calls.CREATE).state().closed_at


def test_one_refusal_of_the_account_closes_the_gate(now):
    close(now, Lesson.REFUSED)
    assert Gate(Calls.CREATE).state().is_refused


def test_queries_have_their_own_gate(now):
    close(now)
    assert call("task-1", Lesson.PASSED, Calls.QUERY) == Advice()


def test_accounts_have_their_own_gates(now):
    close(now)
    assert Gate(Calls.CREATE, "another").admits("task-1")


def test_open_gate_without_failures_is_not_written(cloud):
    call("task-1", Lesson.PASSED)
    assert cloud.dynamodb.scan(TableName="kiln-table")["Items"] == []


def test_only_the_prober_may_call(now):
    close(now)
    now.advance(2)
    assert [call(each, Lesson.AWAY) is None for each in ("task-1", "prober", "task-1")] == [True, False, True]


def test_probes_are_two_seconds_apart_at_first_and_twenty_at_last(now):
    close(now)
    waits = []
    for _ in range(12):
        advice = call("prober", Lesson.AWAY)
        assert advice is not None
        waits.append(advice.probe_after)
        now.advance(advice.probe_after)
    assert waits[:3] == [3, 4, 6]
    assert waits == sorted(waits)
    assert waits[-1] == 20
    assert probe_seconds(100_000) == 20


def test_successful_probe_opens_the_gate_once(now):
    close(now)
    gate = Gate(Calls.CREATE)
    assert gate.admits("prober")
    assert gate.learn("prober", Lesson.PASSED) == Advice(has_opened=True)
    assert gate.learn("prober", Lesson.PASSED) == Advice(has_opened=False)
    assert call("task-1", Lesson.PASSED) == Advice()


@pytest.mark.parametrize(("closed_by", "opens"), [(Lesson.AWAY, True), (Lesson.REFUSED, False)])
def test_an_answer_opens_the_gate_unless_the_account_is_refused(now, closed_by, opens):
    close(now, closed_by)
    advice = call("prober", Lesson.ANSWERED)
    assert advice is not None
    assert advice.has_opened is opens


def test_account_refused_by_a_probe_needs_a_task_taken(now):
    close(now)
    call("prober", Lesson.REFUSED)
    assert call("prober", Lesson.ANSWERED) == Advice(is_closed=True, probe_after=4)


def test_claim_of_a_stopped_prober_expires(now):
    close(now)
    assert Gate(Calls.CREATE).admits("prober")
    now.advance(79)
    assert not Gate(Calls.CREATE).admits("task-1")
    now.advance(2)
    assert Gate(Calls.CREATE).admits("task-1")
    assert not Gate(Calls.CREATE).admits("task-2")


def test_two_tasks_cannot_claim_one_probe(now, monkeypatch):
    close(now)
    now.advance(20)
    before = Gate(Calls.CREATE).state()
    assert Gate(Calls.CREATE).admits("task-1")
    late = Gate(Calls.CREATE)
    monkeypatch.setattr(late, "state", lambda: before)
    assert not late.admits("task-2")


def test_late_answer_of_a_task_without_the_probe_opens_nothing(now):
    """Its call began while the gate was open."""
    early = Gate(Calls.CREATE)
    assert early.admits("task-2")
    close(now)
    assert early.learn("task-2", Lesson.PASSED) == Advice()
    assert Gate(Calls.CREATE).state().closed_at


def test_crash_between_opening_and_waking_is_noticed(now):
    close(now)
    call("prober", Lesson.PASSED)
    now.advance(16)
    gate = Gate(Calls.CREATE)
    assert gate.state().is_unnoticed(clock.milliseconds())
    gate.all_woken()
    assert gate.state() == GateState(reason="no answer")
