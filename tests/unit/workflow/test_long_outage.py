"""A long outage in simulated time: one task probes, however long it lasts, and its end is noticed soon."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from kiln import clock
from kiln.provider import ProviderError, ProviderTask, Verdict
from kiln.slots.gate import Calls
from kiln.slots.gate_rule import LAST_PROBE_SECONDS
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


@dataclass
class AbsentProvider(FakeProvider):
    """A provider that cannot be reached until a moment.

    Attributes:
        until: The moment.
        asked_at: When it was called.
    """

    until: float = 0
    asked_at: list[float] = field(default_factory=list)

    def create(self, request: Mapping[str, Any]) -> ProviderTask:
        self._reach()
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

    now: StoppedClock
    executions: StepFunctions
    step: Any
    due: dict[str, float] = field(default_factory=dict)

    def run(self, until: float) -> None:
        """Makes every step that is due, in order, and reconciles the gates once a minute."""
        reconcile_at = time.time() + 60
        while (at := min(reconcile_at, *self.due.values())) < until:
            self.now.advance(max(0.0, at - time.time()))
            if at == reconcile_at:
                recovery.recover(tasks=TaskStore(), slots=Slots())
                reconcile_at += 60
            else:
                task_id = min(self.due, key=self.due.__getitem__)
                self.due[task_id] = self.step(task_id)
            self._wake()
        self.now.advance(until - time.time())

    def _wake(self) -> None:
        while self.executions.succeeded:
            self.due[self.executions.succeeded.pop()] = time.time()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> StoppedClock:
    return StoppedClock(monkeypatch)


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
    now: StoppedClock, executions: StepFunctions, seconds: int
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
    tasks = Tasks(now, executions, step, dict.fromkeys(HOLDERS, time.time()))
    tasks.run(provider.until)
    assert longest_pause([*provider.asked_at, provider.until]) <= RECOVERED_WITHIN
    probes = (provider.until - provider.asked_at[0]) / LAST_PROBE_SECONDS
    assert len(provider.asked_at) <= probes + 25  # The first ones are closer to each other.
    assert provider.created == []
    tasks.run(provider.until + RECOVERED_WITHIN)
    assert len(provider.created) == len(HOLDERS)
    if seconds > 90:
        assert len(probing) >= seconds // (PROBES * LAST_PROBE_SECONDS) - 1


def test_every_running_task_is_polled_soon_after_an_outage(now: StoppedClock, executions: StepFunctions) -> None:
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

    tasks = Tasks(now, executions, step, dict.fromkeys(HOLDERS, time.time()))
    tasks.run(provider.until)
    assert longest_pause([*provider.asked_at, provider.until]) <= RECOVERED_WITHIN
    tasks.run(provider.until + RECOVERED_WITHIN)
    assert Slots().state().held == 0
