"""A long outage in simulated time: one task probes, however long it lasts, and its end is noticed soon."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from kiln import clock
from kiln.provider import ProviderError, ProviderTask, Verdict
from kiln.slots import gate_rule
from kiln.slots.gate import Calls, Gate
from kiln.slots.gate_rule import LAST_PROBE_SECONDS, Lesson
from kiln.slots.store import Slots
from kiln.tasks.store import TaskStore
from kiln.workflow import recovery
from kiln.workflow.dispatch import dispatch
from kiln.workflow.outcomes import Outcome
from kiln.workflow.poll import poll
from tests.support.clock import StoppedClock
from tests.support.fakes import FakeProvider, StepFunctions
from tests.support.samples import add_task
from tests.support.workflow import park

pytestmark = pytest.mark.usefixtures("cloud")

HOLDERS = [f"task-{number}" for number in range(1, 10)]
PROBES = 5
"""So many probes stand for the hundreds that a task makes: the tests cover as many handovers in less time."""

AS_A_DAY = 4 * len(HOLDERS) * PROBES * LAST_PROBE_SECONDS // 5
"""Seconds of an outage: four fifths of what nine holders can probe, as a day is of the 30 hours of the real number."""

RECOVERED_WITHIN = 30
TIMER = 30


class SleepingClock(StoppedClock):
    """A clock on which sleeping is what a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        self._monkeypatch = monkeypatch

    def sleeps(self, sleep: Callable[[float], None]) -> None:
        """Replaces ``time.sleep``."""
        self._monkeypatch.setattr(time, "sleep", sleep)


@dataclass
class AbsentProvider(FakeProvider):
    """A provider that cannot be reached until a moment.

    Attributes:
        until: The moment.
        asked_at: When it was called.
        created_at: When it made a task.
    """

    until: float = 0
    asked_at: list[float] = field(default_factory=list)
    created_at: list[float] = field(default_factory=list)

    def create(self, request: Mapping[str, Any]) -> ProviderTask:
        self._reach()
        self.created_at.append(time.time())
        return super().create(request)

    def query(self, either_id: str, external_task_id: str = "") -> ProviderTask:
        self._reach()
        return super().query(either_id, external_task_id)

    def _reach(self) -> None:
        self.asked_at.append(time.time())
        if time.time() < self.until:
            raise ProviderError(Verdict.RETRY, "no route to host")


@dataclass
class Tasks:
    """The workflows of tasks in simulated time: when each makes its next step; never while it is parked."""

    now: SleepingClock
    executions: StepFunctions
    step: Any
    due: dict[str, float]
    provider: AbsentProvider
    reconcile_at: float = field(default_factory=lambda: time.time() + 60)

    def __post_init__(self) -> None:
        self.now.sleeps(self.sleep)

    def run(self, until: float) -> None:
        """Makes every step that is due, in order, and reconciles the gates once a minute."""
        while (at := min(self.reconcile_at, *self.due.values())) < until:
            self.now.advance(max(0.0, at - time.time()))
            if at == self.reconcile_at:
                self.reconcile_at += 60
                recovery.recover(tasks=TaskStore(), slots=Slots())
                self._wake()
                recovery.probe_long_outages(tasks=TaskStore(), slots=Slots(), provider=self.provider)
            else:
                task_id = min(self.due, key=self.due.__getitem__)
                self.due[task_id] = self.step(task_id)
            self._wake()
        self.now.advance(max(0.0, until - time.time()))

    def sleep(self, seconds: float) -> None:
        """Lets the reconciler sleep: the tasks continue meanwhile."""
        self._wake()
        self.run(time.time() + seconds)

    def _wake(self) -> None:
        while self.executions.succeeded:
            self.due[self.executions.succeeded.pop()] = time.time()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SleepingClock:
    return SleepingClock(monkeypatch)


@pytest.fixture(autouse=True)
def _few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "_APART_SECONDS", 0)
    for calls in Calls:
        monkeypatch.setitem(recovery.MANY_PROBES, calls, PROBES)


def parked(task_id: str) -> float:
    """Parks a task, unless a wake-up was requested before; its token is its id."""
    if TaskStore().get(task_id).wake_requested_at:
        return time.time()
    park(task_id, task_id)
    return math.inf


def longest_pause(moments: list[float]) -> float:
    return max(after - before for before, after in itertools.pairwise(moments))


@pytest.mark.parametrize("seconds", [90, AS_A_DAY // 2, AS_A_DAY])
def test_every_slot_is_busy_soon_after_an_outage_of_creates(
    now: SleepingClock, executions: StepFunctions, seconds: int
) -> None:
    provider = AbsentProvider(until=time.time() + seconds)
    probing: dict[str, None] = {}

    def step(task_id: str) -> float:
        asked = len(provider.asked_at)
        result = dispatch(task_id, provider=provider)
        if len(provider.asked_at) > asked:
            probing[task_id] = None
        if result.outcome is Outcome.AGAIN:
            return time.time() + result.wait
        return parked(task_id) if result.outcome is Outcome.PARKED else math.inf

    for task_id in HOLDERS:
        add_task(task_id, created_at=clock.milliseconds())
    tasks = Tasks(now, executions, step, dict.fromkeys(HOLDERS, time.time()), provider)
    tasks.run(provider.until)
    assert longest_pause([*provider.asked_at, provider.until]) <= RECOVERED_WITHIN
    probes = (provider.until - provider.asked_at[0]) / LAST_PROBE_SECONDS
    assert len(provider.asked_at) <= probes + 25  # The first ones are closer to each other.
    assert provider.created == []
    tasks.run(provider.until + RECOVERED_WITHIN)
    assert len(provider.created) == len(HOLDERS)
    if seconds > 90:
        assert len(probing) >= seconds // (PROBES * LAST_PROBE_SECONDS) - 1


def test_every_slot_is_busy_soon_after_an_outage_that_outlasts_every_probe_of_a_task(
    now: SleepingClock, executions: StepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_rule, "LONG_SECONDS", AS_A_DAY)
    provider = AbsentProvider(until=time.time() + 3 * AS_A_DAY)

    def step(task_id: str) -> float:
        result = dispatch(task_id, provider=provider)
        if result.outcome is Outcome.AGAIN:
            return time.time() + result.wait
        return parked(task_id) if result.outcome is Outcome.PARKED else math.inf

    for task_id in HOLDERS:
        add_task(task_id, created_at=clock.milliseconds())
    tasks = Tasks(now, executions, step, dict.fromkeys(HOLDERS, time.time()), provider)
    tasks.run(provider.until)
    attempts = [TaskStore().get(task_id).dispatch_attempts for task_id in HOLDERS]
    tasks.run(provider.until + 4 * RECOVERED_WITHIN)
    assert longest_pause(provider.asked_at) <= RECOVERED_WITHIN
    assert len(provider.created_at) == len(HOLDERS)
    assert max(provider.created_at) <= provider.until + RECOVERED_WITHIN
    assert max(attempts) <= PROBES + 1


def test_refused_account_is_left_to_its_tasks(now: SleepingClock) -> None:
    task = add_task(HOLDERS[0], created_at=clock.milliseconds())
    Slots().acquire(task)
    Gate(Calls.CREATE).learn(task.task_id, Lesson.REFUSED, "in arrears")
    now.advance(gate_rule.LONG_SECONDS + 1)
    provider = AbsentProvider()
    # A look-up is answered for an account in arrears too.
    assert recovery.probe_long_outages(tasks=TaskStore(), slots=Slots(), provider=provider) == 0
    assert provider.asked_at == []
    assert Gate(Calls.CREATE).state().prober == task.task_id


def test_every_running_task_is_polled_soon_after_an_outage(now: SleepingClock, executions: StepFunctions) -> None:
    provider = AbsentProvider()
    for task_id in HOLDERS:
        task = add_task(task_id, created_at=clock.milliseconds())
        assert dispatch(task_id, provider=provider).outcome is Outcome.DISPATCHED
        provider.has(task.run_id, task_status="succeed")
    provider.until, provider.asked_at = time.time() + AS_A_DAY // 2, []

    def step(task_id: str) -> float:
        result = poll(task_id, provider=provider)
        if result.outcome is Outcome.AGAIN:
            return time.time() + result.wait
        if result.outcome is Outcome.RUNNING:
            return min(parked(task_id), time.time() + TIMER)
        return math.inf

    tasks = Tasks(now, executions, step, dict.fromkeys(HOLDERS, time.time()), provider)
    tasks.run(provider.until)
    assert longest_pause([*provider.asked_at, provider.until]) <= RECOVERED_WITHIN
    tasks.run(provider.until + RECOVERED_WITHIN)
    assert Slots().state().held == 0
