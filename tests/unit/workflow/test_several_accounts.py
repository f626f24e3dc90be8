"""Several provider accounts: a task is dispatched where there is room, and is paid for at one account only."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from kiln import clock, metrics
from kiln.contract import TaskStatus
from kiln.operating.dispatch import status
from kiln.provider import ProviderError, Verdict
from kiln.slots.gate import Calls, Gate
from kiln.slots.gate_rule import Lesson
from kiln.slots.store import Slots
from kiln.tasks.estimates import Estimates
from kiln.workflow import collect, dispatch, poll
from kiln.workflow.dispatch import dispatch as dispatch_step
from kiln.workflow.outcomes import Outcome
from kiln.workflow.poll import poll as poll_step
from kiln.workflow.reconcile import reconcile
from kiln.workflow.release import release_and_wake
from tests.support.fakes import FakeProvider
from tests.support.several_accounts import accept, created, put_accounts, run, stored

pytestmark = pytest.mark.usefixtures("cloud")

ARREARS = ProviderError(Verdict.ACCOUNT, "Account in arrears", 1102)
NO_ANSWER = ProviderError(Verdict.UNKNOWN, "no answer")
FULL = ProviderError(Verdict.WAIT, "parallel task over resource pack limit", 1303)


class _Crash(Exception):
    """The process ends here."""


@pytest.fixture
def providers(monkeypatch) -> dict[str, FakeProvider]:
    """The accounts ``a`` and ``b``, with a slot each."""
    put_accounts(a=1, b=1)
    made = {name: FakeProvider() for name in ("default", "a", "b", "c")}
    for step in (dispatch, poll, collect):
        monkeypatch.setattr(step, "provider_for", made.__getitem__)
    return made


def test_tasks_are_dispatched_where_there_is_room(providers):
    accept("t1", "t2", "t3")
    assert [run(each) for each in ("t1", "t2", "t3")] == [Outcome.DISPATCHED, Outcome.DISPATCHED, Outcome.QUEUED]
    assert created(providers) == {"a": 1, "b": 1}
    assert (stored("t1").account, stored("t2").account) == ("a", "b")


def test_released_slot_goes_to_the_next_task_at_the_same_account(providers):
    accept("t1", "t2", "t3")
    for each in ("t1", "t2", "t3"):
        run(each)
    release_and_wake("t2", 1)
    assert run("t3") is Outcome.DISPATCHED
    assert created(providers) == {"a": 1, "b": 2}


def test_poll_asks_the_account_of_the_task(providers):
    accept("t1", "t2")
    run("t1"), run("t2")
    assert poll_step("t2").outcome is Outcome.RUNNING
    assert (providers["a"].queried, len(providers["b"].queried)) == ([], 1)


def test_task_of_an_earlier_version_is_asked_for_at_the_account_default(providers):
    accept("t", dispatched_at=clock.milliseconds(), provider_task_id="p-1")
    providers["default"].has(stored().run_id, task_id="p-1")
    assert poll_step("t").outcome is Outcome.RUNNING
    assert providers["default"].queried == ["p-1"]


def test_refused_task_goes_to_another_account(providers):
    accept("t")
    providers["a"].create_errors.append((ARREARS, False))
    assert run() is Outcome.DISPATCHED
    assert created(providers) == {"b": 1}
    assert providers["b"].queried == []
    assert Slots().state().names == {"t#0@b"}


def test_refused_account_gets_no_task_until_a_probe_is_due(providers, stopped_clock):
    accept("t1", "t2")
    providers["a"].create_errors.append((ARREARS, False))
    assert [run("t1"), run("t2")] == [Outcome.DISPATCHED, Outcome.QUEUED]
    assert reconcile().woken == 0
    stopped_clock.advance(13)
    assert reconcile().woken == 1
    assert run("t2") is Outcome.DISPATCHED
    assert created(providers) == {"a": 1, "b": 1}


def test_task_that_may_have_been_created_stays_at_its_account(providers):
    accept("t")
    providers["a"].create_errors += [(NO_ANSWER, True), (ARREARS, False)]
    providers["a"].query_errors += [ARREARS, ARREARS]
    assert run(steps=3) is Outcome.AGAIN
    assert stored().account == "a"
    assert run() is Outcome.ADOPTED
    assert created(providers) == {"a": 1}
    assert providers["b"].queried == []


def test_task_whose_look_up_finds_nothing_still_stays_where_it_may_be(providers):
    accept("t")
    providers["a"].create_errors += [(NO_ANSWER, False), (ARREARS, False)]
    assert run(steps=2) is Outcome.AGAIN
    assert stored().account == "a"
    assert created(providers) == {}


def test_task_waits_with_its_slots_if_every_account_is_refused(providers):
    accept("t")
    providers["a"].create_errors.append((ARREARS, False))
    providers["b"].create_errors.append((ARREARS, False))
    assert run(steps=6) in (Outcome.AGAIN, Outcome.DISPATCHED)
    assert sum(created(providers).values()) <= 1


def test_parked_task_of_a_refused_account_goes_to_one_that_was_added(providers):
    put_accounts(a=2)
    accept("t1", "t2")
    providers["a"].create_errors += [(ARREARS, False)] * 2
    dispatch_step("t1"), dispatch_step("t2")
    assert stored("t2").account == "a"
    put_accounts(a=2, c=2)
    assert run("t2") is Outcome.DISPATCHED
    assert created(providers) == {"c": 1}


def test_account_that_was_added_gets_waiting_tasks_by_the_next_reconciliation(providers):
    accept("t1", "t2", "t3")
    for each in ("t1", "t2", "t3"):
        run(each)
    put_accounts(a=1, b=1, c=1)
    assert reconcile().woken == 1
    assert run("t3") is Outcome.DISPATCHED
    assert stored("t3").account == "c"


def test_draining_account_gets_no_new_task_and_is_asked_for_its_own(providers):
    accept("t1", "t2")
    run("t1")
    put_accounts(a={"slots": 9, "draining": True}, b=1)
    assert run("t2") is Outcome.DISPATCHED
    assert created(providers) == {"a": 1, "b": 1}
    assert poll_step("t1").outcome is Outcome.RUNNING


def test_full_account_is_throttled_alone(providers):
    put_accounts(a=3, b=3)
    accept("t1", "t2", "t3")
    providers["a"].create_errors.append((FULL, False))
    dispatch_step("t1")
    shown = {each.name: (each.held, each.throttled) for each in status().accounts}
    assert shown == {"a": (1, 2), "b": (0, 0)}
    assert [run("t2"), run("t3")] == [Outcome.DISPATCHED] * 2
    assert created(providers) == {"b": 2}


def test_slots_by_model_are_counted_by_model(providers):
    put_accounts(a={"slots": {"kling-v2": 1, "kling-v2-1": 1}})
    accept("t1", "t2", model_name="kling-v2")
    accept("t3", model_name="kling-v2-1")
    assert [run(each) for each in ("t1", "t2", "t3")] == [Outcome.DISPATCHED, Outcome.QUEUED, Outcome.DISPATCHED]


def test_status_shows_each_account(providers):
    put_accounts(a=2, b={"slots": 3, "draining": True})
    accept("t")
    run()
    Gate(Calls.CREATE, "b").learn("x", Lesson.REFUSED, "arrears")
    a, b = status().accounts
    assert (a.name, a.slots, a.held, a.closed_since, a.is_draining) == ("a", 2, 1, 0, False)
    assert (b.name, b.slots, b.held, b.closed_since > 0, b.is_draining) == ("b", 3, 0, True, True)


def by_account(measured: Any, metric: metrics.Metric) -> dict[str, float]:
    return {of: value for name, value, of in measured if name == metric.name}


def test_reconciler_measures_each_account_by_name(providers, executions, measured):
    put_accounts(a=2, b=3)
    accept("t")
    run()
    Gate(Calls.CREATE, "b").learn("x", Lesson.REFUSED, "arrears")
    reconcile()
    assert by_account(measured, metrics.ACCOUNT_SLOTS_HELD) == {"a": 1, "b": 0}
    assert by_account(measured, metrics.ACCOUNT_CLOSED) == {"b": 1}


def test_only_account_is_measured_while_it_is_closed(executions, measured):
    reconcile()
    assert by_account(measured, metrics.ACCOUNT_CLOSED) == {}
    Gate(Calls.QUERY).learn("x", Lesson.REFUSED, "arrears")
    reconcile()
    assert by_account(measured, metrics.ACCOUNT_CLOSED) == {"default": 1}
    assert by_account(measured, metrics.ACCOUNT_SLOTS_HELD) == {}


@pytest.mark.parametrize(
    ("b", "is_refused", "slots"),
    [
        (3, False, 5),
        ({"slots": 3, "draining": True}, False, 2),
        (3, True, 2),
        ({"kling-v2": 1, "kling-v2-1": 2}, False, 3),
    ],
)
def test_estimates_count_the_slots_that_serve_the_tasks_that_wait(providers, executions, b, is_refused, slots):
    put_accounts(a=2, b=b)
    accept("t", model_name="kling-v2")
    if is_refused:
        Gate(Calls.CREATE, "b").learn("x", Lesson.REFUSED, "arrears")
    reconcile()
    assert Estimates().read().slots == slots


WRITES = range(14)


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize(
    ("at_a", "account"),
    [([], "a"), ([(ARREARS, False)], "b"), ([(NO_ANSWER, True)], "a"), ([(NO_ANSWER, True), (ARREARS, False)], "a")],
)
@pytest.mark.parametrize("crash_at", WRITES)
def test_crash_at_any_call_leaves_one_generation_across_accounts(
    providers, monkeypatch, crash_at, at_a, account, is_after
):
    accept("t")
    providers["a"].create_errors += at_a
    with monkeypatch.context() as patch:
        crashing(patch, providers, itertools.count(), crash_at, is_after=is_after)
        for _ in range(12):
            try:
                if dispatch_step("t").outcome in (Outcome.DISPATCHED, Outcome.ADOPTED):
                    break
            except _Crash:
                continue
    assert sum(created(providers).values()) == 1
    assert providers[stored().account].created
    assert stored().task_status is TaskStatus.SUBMITTED
    release_and_wake("t", 1)
    assert Slots().state().names == set()


def crashing(monkeypatch, providers, numbers, crash_at: int, *, is_after: bool) -> None:
    """Ends the process once: before or after one of its calls of the table or of a provider."""
    client = Slots()._client

    def wrap(call: Any) -> Any:
        def called(*given: Any, **named: Any) -> Any:
            is_now = next(numbers) == crash_at
            if is_now and not is_after:
                raise _Crash
            answer = call(*given, **named)
            if is_now:
                raise _Crash
            return answer

        return called

    monkeypatch.setattr(client, "update_item", wrap(client.update_item))
    for provider in providers.values():
        monkeypatch.setattr(provider, "create", wrap(provider.create))
        monkeypatch.setattr(provider, "query", wrap(provider.query))
