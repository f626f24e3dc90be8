"""Recovery from an outage of the provider: what an error teaches, and waking the tasks that waited for its end."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from kiln import clock, metrics
from kiln.errors import TaskNotFound
from kiln.provider.verdicts import ProviderError, Verdict
from kiln.settings import DeadlineSettings, load
from kiln.slots.gate import Advice, Calls, Gate
from kiln.slots.gate_rule import GateState, Lesson
from kiln.slots.store import Slots
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.tasks.wake_up import wake

MANY_PROBES = {Calls.CREATE: 600, Calls.QUERY: 440}
"""So many calls may a task make as the prober. Then it hands the probe over: a history has an end."""

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


def recover(*, tasks: TaskStore, slots: Slots) -> int:
    """The net of the gates, once a minute: wakes tasks that a crash has left asleep, and another prober.

    Returns:
        How many tasks were woken.
    """
    # Tasks may hold slots at an account that is no longer in the secret.
    names = sorted({*slots.account_names(), *slots.state().accounts})
    return sum(_recover(Gate(calls, name), calls, name, tasks, slots) for name in names for calls in Calls)


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


def _recover(gate: Gate, calls: Calls, account: str, tasks: TaskStore, slots: Slots) -> int:
    state, now = gate.state(), clock.milliseconds()
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
