"""Recovery from an outage of the provider: what an error teaches, and waking the tasks that waited for its end."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kiln import clock, metrics
from kiln.errors import TaskNotFound
from kiln.provider.accounts import provider_for
from kiln.provider.verdicts import ProviderError, Verdict
from kiln.settings import DeadlineSettings, load
from kiln.slots.gate import Advice, Calls, Gate
from kiln.slots.gate_rule import LAST_PROBE_SECONDS, GateState, Lesson
from kiln.slots.store import Slots
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.tasks.wake_up import wake

if TYPE_CHECKING:
    from kiln.provider.client import Provider

MANY_PROBES = {Calls.CREATE: 600, Calls.QUERY: 440}
"""So many calls may a task make as the prober. Then it hands the probe over: a history has an end."""

_RECONCILER = "reconciler"
_PROBES_A_RUN = 3
"""So many probes fill the minute until the reconciler's next run."""

_APART_SECONDS = 0.1
_SPREAD_SECONDS = 3.0
"""Woken tasks call the provider one after another: so far apart, and all of them within so many seconds."""

_LESSONS = {Verdict.ACCOUNT: Lesson.REFUSED, Verdict.RETRY: Lesson.AWAY, Verdict.UNKNOWN: Lesson.AWAY}


def lesson_of(error: ProviderError) -> Lesson:
    """Returns the lesson of a failed call. A task that it refuses, or its being full, says that it works."""
    if error.verdict is Verdict.WAIT and not error.code:
        return Lesson.AWAY  # Something on the way answered.
    return _LESSONS.get(error.verdict, Lesson.PASSED)


def learn(gate: Gate, task_id: str, lesson: Lesson, reason: str = "", *, tasks: TaskStore, slots: Slots) -> Advice:
    """Records what a call taught. If that opens the gate, every task that holds slots is woken."""
    advice = gate.learn(task_id, lesson, reason)
    if advice.has_opened:
        wake_holders(gate, tasks=tasks, slots=slots, but=task_id)
    return advice


def wake_holders(gate: Gate, *, tasks: TaskStore, slots: Slots, but: str = "") -> int:
    """Wakes the tasks that hold slots, one after another, and records that it is done."""
    holders = [holder for holder in slots.state().tasks if holder != but]
    for number, holder in enumerate(holders):
        if number:
            time.sleep(min(_APART_SECONDS, _SPREAD_SECONDS / len(holders)))
        _wake(holder, tasks)
    gate.all_woken()
    return len(holders)


def hand_over_probe(gate: Gate, calls: Calls, task: Task, *, tasks: TaskStore, slots: Slots) -> None:
    """Has the holder with the fewest calls probe instead of a task that has made many, unless all have."""
    others = sorted(each for each in _holders(calls, task.at, tasks, slots) if each[1] != task.task_id)
    if others and others[0][0] <= MANY_PROBES[calls] and gate.hand_over(task.task_id, others[0][1]):
        _wake(others[0][1], tasks)


def closed_because(state: GateState) -> str:
    """Why a gate is closed, in words."""
    since = datetime.fromtimestamp(state.closed_at / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    what = "has refused the account" if state.is_refused else "has been away"
    return f"the provider {what} since {since}; its last answer: {state.reason}"


def recover(*, tasks: TaskStore, slots: Slots) -> tuple[int, bool]:
    """The net of the gates, once a minute: wakes tasks that a crash has left asleep, and another prober.

    Returns:
        How many tasks were woken, and whether any gate is closed.
    """
    # Tasks may hold slots at an account that is no longer in the secret.
    names = sorted({*slots.account_names(), *slots.state().accounts})
    woken, is_closed = 0, False
    for name in names:
        for calls in Calls:
            gate = Gate(calls, name)
            state = gate.state()
            is_closed = is_closed or state.closed_at > 0
            woken += _recover(gate, state, calls, name, tasks, slots)
    return woken, is_closed


def probe_long_outages(*, tasks: TaskStore, slots: Slots, provider: Provider | None = None) -> int:
    """Probes in place of the tasks, as often as they do, while the provider is away for long: histories have an end.

    A probe is the look-up of a task that waits. It says nothing of an account that was refused, which tasks probe.

    Args:
        tasks: The task store.
        slots: The slots.
        provider: The client of every account.

    Returns:
        How many tasks were woken.
    """
    names = sorted(slots.state().accounts)
    woken = 0
    for number in range(_PROBES_A_RUN):
        found = [(name, calls, _long_waiting(calls, name, tasks, slots)) for name in names for calls in Calls]
        if not any(waiting for _, _, waiting in found):
            break
        if number:
            time.sleep(LAST_PROBE_SECONDS)
        woken += sum(_probe(calls, name, waiting, tasks, slots, provider) for name, calls, waiting in found if waiting)
    return woken


def wake_if_overdue(task: Task, tasks: TaskStore) -> None:
    """Wakes a task whose dispatch deadline is over: it sleeps while the gate is closed, and then ends."""
    if task.slots_acquired_at and not task.dispatched_at and is_overdue(task, is_in_doubt=task.dispatch_attempts > 0):
        _wake(task.task_id, tasks)


def is_overdue(task: Task, *, is_in_doubt: bool) -> bool:
    """Whether the provider has not taken a task in time.

    Args:
        task: The task.
        is_in_doubt: Whether it may be there and paid for. It is looked up for as long as anything is that is paid for.
    """
    deadlines = load(DeadlineSettings)
    limit = deadlines.dispatch_seconds + (deadlines.collect_seconds if is_in_doubt else 0)
    return clock.milliseconds() - task.slots_acquired_at > float(limit * 1_000)


def _recover(gate: Gate, state: GateState, calls: Calls, account: str, tasks: TaskStore, slots: Slots) -> int:
    now = clock.milliseconds()
    if state.is_unnoticed(now):
        return wake_holders(gate, tasks=tasks, slots=slots)
    if state.closed_at:
        metrics.record(metrics.ACCOUNT_CLOSED, of=account)
    if state.is_refused:
        metrics.record(metrics.ACCOUNT_ERRORS)
    if not state.is_neglected(now):
        return 0
    rested = sorted(_holders(calls, account, tasks, slots))
    if not rested or (rested[0][0] > MANY_PROBES[calls] and not state.is_due_again(now)):
        return 0
    # Where a refused account is not the only one, its tasks may go to another, which may be new.
    woken = rested if state.is_refused and set(slots.account_names()) - {account} else rested[:1]
    for _, task_id in woken:
        _wake(task_id, tasks)
    return len(woken)


def _long_waiting(calls: Calls, account: str, tasks: TaskStore, slots: Slots) -> str:
    """A task that waits for a gate that the reconciler is to probe; an empty string if there is none."""
    state = Gate(calls, account).state()
    waiting = sorted(_holders(calls, account, tasks, slots)) if state.is_away else []
    if not waiting or not (state.is_long(clock.milliseconds()) or waiting[0][0] > MANY_PROBES[calls]):
        return ""
    return waiting[0][1]


def _probe(calls: Calls, account: str, task_id: str, tasks: TaskStore, slots: Slots, provider: Provider | None) -> int:
    gate, task = Gate(calls, account), tasks.get(task_id)
    if not gate.admits(_RECONCILER, takes_over=True) or not gate.seen.is_away:
        return 0
    lesson, reason = Lesson.ANSWERED, ""
    try:
        (provider or provider_for(account)).query(task.provider_task_id or task.run_id, task.run_id)
    except ProviderError as error:
        lesson, reason = lesson_of(error), str(error)
    # A look-up is only an answer, whatever it says of the task.
    lesson = Lesson.ANSWERED if lesson is Lesson.PASSED else lesson
    advice = learn(gate, _RECONCILER, lesson, reason, tasks=tasks, slots=slots)
    return len(slots.state().tasks) if advice.has_opened else 0


def _holders(calls: Calls, account: str, tasks: TaskStore, slots: Slots) -> list[tuple[int, str]]:
    """The tasks that wait for a gate, each with the number of its calls so far."""
    found = []
    for holder in slots.state().tasks:
        try:
            task = tasks.get(holder)
        except TaskNotFound:
            continue
        if (
            task.at == account
            and not task.task_status.is_terminal
            and bool(task.dispatched_at) is (calls is Calls.QUERY)
        ):
            found.append((task.polls if calls is Calls.QUERY else task.dispatch_attempts, holder))
    return found


def _wake(task_id: str, tasks: TaskStore) -> None:
    try:
        wake(task_id, tasks=tasks)
    except TaskNotFound:
        return  # The record has expired; its slots are released by the reconciler.
