"""Recovery: one task probes while the provider is away, the others sleep, and its end wakes them all."""

from __future__ import annotations

import pytest

from kiln import aws, clock, metrics
from kiln.provider import ProviderError, Verdict
from kiln.slots.gate import Calls, Gate
from kiln.slots.gate_rule import FAILURES, Lesson
from kiln.slots.store import Slots
from kiln.tasks import items
from kiln.tasks.store import TaskStore
from kiln.workflow import recovery
from kiln.workflow.dispatch import dispatch
from kiln.workflow.outcomes import Outcome
from kiln.workflow.poll import poll
from kiln.workflow.reconcile import reconcile
from tests.support.clock import set_age
from tests.support.fakes import FakeProvider
from tests.support.samples import add_task
from tests.support.workflow import park

pytestmark = pytest.mark.usefixtures("cloud", "executions")

TASKS = [f"task-{number}" for number in range(1, 10)]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch) -> None:
    monkeypatch.setattr(recovery, "_APART_SECONDS", 0)


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


def no_answer(verdict: Verdict = Verdict.RETRY, code: int = 0) -> ProviderError:
    return ProviderError(verdict, "no answer", code)


def away(provider: FakeProvider, calls: int = 1_000) -> None:
    provider.create_errors = [(no_answer(), False) for _ in range(calls)]
    provider.query_errors = [no_answer() for _ in range(calls)]


def back(provider: FakeProvider) -> None:
    provider.create_errors, provider.query_errors = [], []


def close(calls: Calls = Calls.CREATE, prober: str = "task-1", lesson: Lesson = Lesson.REFUSED) -> None:
    """Closes a gate; nine tasks hold slots, and the prober is one of them."""
    Gate(calls).learn(prober, lesson, "no answer")


def late(calls: Calls, seconds: int, **moments: int) -> None:
    """Moves the moments of a gate into the past."""
    for name in moments or {"probe_at": 0}:
        aws.dynamodb().update_item(
            TableName="kiln-table",
            Key=items.gate_key("default", calls.value),
            UpdateExpression=f"SET {name} = :past",
            ExpressionAttributeValues=items.values(past=clock.milliseconds() - seconds * 1_000),
        )


def accept(*task_ids: str) -> None:
    for task_id in task_ids:
        add_task(task_id, created_at=clock.milliseconds())


def test_during_an_outage_one_task_asks_and_the_others_sleep_with_their_slots(provider):
    accept(*TASKS)
    away(provider)
    results = [dispatch(task_id, provider=provider).outcome for task_id in TASKS]
    assert results == [Outcome.AGAIN] * FAILURES + [Outcome.PARKED] * 4
    asked = len(provider.create_errors)
    for task_id in TASKS:
        result = dispatch(task_id, provider=provider)
        assert result.outcome is (Outcome.AGAIN if task_id == "task-5" else Outcome.PARKED)
    assert len(provider.create_errors) + len(provider.query_errors) == asked + 1_000 - 1
    assert Slots().state().held == 9


def test_parked_task_says_why_and_counts_no_attempt(provider):
    accept(*TASKS)
    close()
    assert dispatch("task-2", provider=provider).outcome is Outcome.PARKED
    task = TaskStore().get("task-2")
    assert task.refusal.startswith("the provider has refused the account since 20")
    assert task.refusal.endswith("Z; its last answer: no answer")
    assert (task.dispatch_attempts, task.is_waiting, provider.queried) == (0, False, [])


def test_probe_that_succeeds_wakes_every_holder(provider, executions):
    accept(*TASKS)
    away(provider)
    for task_id in TASKS:
        if dispatch(task_id, provider=provider).outcome is Outcome.PARKED:
            park(task_id, f"token of {task_id}")
    back(provider)
    assert dispatch("task-5", provider=provider).outcome is Outcome.DISPATCHED
    assert executions.succeeded == [f"token of {task_id}" for task_id in TASKS[5:]]
    assert Gate(Calls.CREATE).state().opened_at == 0
    assert [dispatch(task_id, provider=provider).outcome for task_id in TASKS[5:]] == [Outcome.DISPATCHED] * 4
    assert len(provider.created) == 5


def test_probe_of_a_task_in_doubt_is_its_look_up(provider):
    accept("task-1")
    provider.create_errors = [(no_answer(Verdict.UNKNOWN), True)]
    dispatch("task-1", provider=provider)
    close()
    assert dispatch("task-1", provider=provider).outcome is Outcome.ADOPTED
    assert provider.queried == ["task-1"]
    assert len(provider.created) == 1


def test_gate_that_opens_while_a_task_parks_admits_it(provider):
    accept("task-1", "task-2")
    close()

    class Meanwhile(TaskStore):
        def begin_dispatch(self, task_id: str, *, attempts: int = 1, account: str = "default"):
            if not attempts:
                gate = Gate(Calls.CREATE)
                gate.admits("task-1")
                gate.learn("task-1", Lesson.PASSED)
            return super().begin_dispatch(task_id, attempts=attempts, account=account)

    assert dispatch("task-2", provider=provider, tasks=Meanwhile()).outcome is Outcome.DISPATCHED
    assert TaskStore().get("task-2").dispatch_attempts == 1


def test_a_task_that_the_provider_refuses_opens_the_gate(provider):
    accept("task-1")
    close()
    provider.create_errors = [(no_answer(Verdict.PERMANENT, 1301), False)]
    assert dispatch("task-1", provider=provider).outcome is Outcome.ENDED
    assert not Gate(Calls.CREATE).state().closed_at


def test_creates_that_fail_after_an_answered_look_up_close_nothing(provider):
    accept("task-1")
    provider.create_errors = [(no_answer(), False) for _ in range(10)]
    for _ in range(10):
        assert dispatch("task-1", provider=provider).outcome is Outcome.AGAIN
    assert not Gate(Calls.CREATE).state().closed_at


def test_gateways_429_counts_as_away_and_the_providers_as_there():
    assert recovery.lesson_of(no_answer(Verdict.WAIT)) is Lesson.AWAY
    assert recovery.lesson_of(no_answer(Verdict.WAIT, 1303)) is Lesson.PASSED


@pytest.mark.parametrize("attempts", [0, 1])
def test_parked_task_ends_at_the_deadline(provider, monkeypatch, attempts):
    monkeypatch.setenv("DISPATCH_DEADLINE_SECONDS", "60")
    monkeypatch.setenv("COLLECT_DEADLINE_SECONDS", "600")
    accept("task-1", "task-2")
    if attempts:
        TaskStore().begin_dispatch("task-2")
    close()
    dispatch("task-2", provider=provider)
    set_age("task-2", slots_acquired_at=61)
    result = dispatch("task-2", provider=provider)
    assert result.outcome is (Outcome.PARKED if attempts else Outcome.ENDED)
    set_age("task-2", slots_acquired_at=661)
    dispatch("task-2", provider=provider)
    message = TaskStore().get("task-2").task_status_msg
    assert message.startswith("The provider did not take the task within 60 s; the provider has refused the account")


def test_task_with_many_probes_leaves_the_next_to_another(provider, monkeypatch):
    monkeypatch.setitem(recovery.MANY_PROBES, Calls.CREATE, 2)
    accept("task-1")
    close()
    away(provider)
    outcomes = [dispatch("task-1", provider=provider).outcome for _ in range(3)]
    assert outcomes == [Outcome.AGAIN, Outcome.AGAIN, Outcome.PARKED]


def run(*task_ids: str) -> None:
    """Tasks that the provider has."""
    for task_id in task_ids:
        task = add_task(task_id)
        TaskStore().begin_dispatch(task_id)
        TaskStore().dispatched(task, f"at-provider-{task_id}")
        Slots().acquire(task)


def test_polls_share_what_one_learns(provider, executions):
    run(*TASKS)
    away(provider)
    results = [poll(task_id, provider=provider) for task_id in TASKS]
    assert [each.outcome for each in results] == [Outcome.AGAIN] * FAILURES + [Outcome.RUNNING] * 4
    assert results[-1].reason.startswith("the provider has been away since 20")
    assert len(provider.queried) == FAILURES
    for task_id in TASKS:
        provider.has(task_id)
        park(task_id, f"token of {task_id}")
    back(provider)
    assert poll("task-5", provider=provider).outcome is Outcome.RUNNING
    assert len(executions.succeeded) == 8


def test_poll_that_fails_once_is_repeated_after_a_second_or_two(provider):
    run("task-1")
    provider.query_errors = [no_answer()]
    result = poll("task-1", provider=provider)
    assert result.outcome is Outcome.AGAIN
    assert 1 <= result.wait <= 2


def test_poll_that_is_not_made_keeps_the_deadline(provider, monkeypatch):
    monkeypatch.setenv("COLLECT_DEADLINE_SECONDS", "60")
    run("task-1", "task-2")
    close(Calls.QUERY)
    set_age("task-2", dispatched_at=61)
    assert poll("task-2", provider=provider).outcome is Outcome.ENDED
    message = TaskStore().get("task-2").task_status_msg
    assert message.startswith("The provider could not be asked for the task within 60 s; the provider has refused")


def test_reconciler_replaces_a_prober_that_has_stopped(provider, executions):
    accept("task-1", "task-2", "task-3")
    for task_id in ("task-1", "task-1", "task-2"):
        TaskStore().begin_dispatch(task_id)
    TaskStore().begin_dispatch("task-3", attempts=0)
    for task_id in ("task-1", "task-2", "task-3"):
        Slots().acquire(TaskStore().get(task_id))
        park(task_id, f"token of {task_id}")
    close()
    reconcile()
    assert executions.succeeded == []
    late(Calls.CREATE, 11)
    reconcile()
    assert executions.succeeded == ["token of task-3"]


def test_reconciler_wakes_a_task_with_many_probes_seldom(provider, executions, monkeypatch):
    monkeypatch.setitem(recovery.MANY_PROBES, Calls.CREATE, 0)
    accept("task-1")
    dispatch("task-1", provider=provider)
    TaskStore()._update("task-1", "REMOVE dispatched_at")
    park("task-1", "token")
    close()
    late(Calls.CREATE, 100)
    late(Calls.CREATE, 10_000, closed_at=0)
    reconcile()
    assert executions.succeeded == []
    late(Calls.CREATE, 501)
    reconcile()
    assert executions.succeeded == ["token"]


def test_reconciler_wakes_the_holders_after_a_crash_of_the_task_that_opened_the_gate(provider, executions):
    accept("task-1")
    dispatch("task-1", provider=provider)
    park("task-1", "token")
    close()
    gate = Gate(Calls.CREATE)
    gate.admits("task-1")
    gate.learn("task-1", Lesson.PASSED)
    late(Calls.CREATE, 16, opened_at=0)
    reconcile()
    reconcile()
    assert executions.succeeded == ["token"]


def test_refused_account_is_measured_each_minute(measured):
    close()
    reconcile()
    assert measured.of(metrics.ACCOUNT_ERRORS) == [1]


def test_reconciler_wakes_a_parked_task_at_its_deadline(executions, monkeypatch):
    monkeypatch.setenv("DISPATCH_DEADLINE_SECONDS", "600")
    task_id = "0123456789abcdef0123456789abcdef"
    add_task(task_id, run_id=f"{task_id}_1")
    executions.started[f"{task_id}_1"] = {"task_id": task_id}
    TaskStore().begin_dispatch(task_id, attempts=0)
    park(task_id, "token")
    set_age(task_id, slots_acquired_at=500)
    reconcile()
    assert executions.succeeded == []
    set_age(task_id, slots_acquired_at=601)
    reconcile()
    assert executions.succeeded == ["token"]


def test_reconciler_wakes_no_task_that_is_gone():
    recovery.wake_holders(Gate(Calls.CREATE), tasks=TaskStore(), slots=Slots())
    Slots().acquire(add_task("task-1"))
    aws.dynamodb().delete_item(TableName="kiln-table", Key=items.task_key("task-1"))
    assert recovery.wake_holders(Gate(Calls.CREATE), tasks=TaskStore(), slots=Slots()) == 1
