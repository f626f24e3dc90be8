"""The step ``Dispatch``: acquires a task's slots and has the provider make its images, exactly once."""

from __future__ import annotations

import random

from kiln import clock, metrics
from kiln.errors import TaskNotFound
from kiln.provider import Provider, ProviderError, ProviderTask, Verdict
from kiln.provider.accounts import provider_for
from kiln.provider.credentials import DEFAULT_ACCOUNT
from kiln.provider.verdicts import FULL
from kiln.settings import DeadlineSettings, load
from kiln.slots.gate import Calls, Gate
from kiln.slots.gate_rule import Lesson
from kiln.slots.state import SlotState
from kiln.slots.store import Slots
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.workflow.outcomes import Outcome, StepResult, ended
from kiln.workflow.provider_request import provider_request
from kiln.workflow.recovery import MANY_PROBES, closed_because, hand_over_probe, is_overdue, learn, lesson_of
from kiln.workflow.release import release_and_wake

_FIRST_WAIT_SECONDS = 2
_SHORT_WAITS = 20
"""So many attempts follow each other after a second or two; a provider that is away closes the gate before."""

_LONGEST_WAIT_SECONDS = 30
_AGE_SHARE = 20

_REPEATABLE = frozenset({Verdict.RETRY, Verdict.WAIT, Verdict.UNKNOWN})


class _NotLookedUp(ProviderError):
    """The provider did not say whether it has the task: an earlier attempt may have been taken, and is paid for."""


def dispatch(
    task_id: str,
    *,
    tasks: TaskStore | None = None,
    provider: Provider | None = None,
    slots: Slots | None = None,
    gate: Gate | None = None,
) -> StepResult:
    """Acquires the task's slots, then creates it at the provider or adopts what an earlier attempt has created.

    The provider gets the task's ``run_id`` as ``external_task_id``. Only the first attempt creates straight away. Every
    later one looks the id up first, as the attempt before it may have got through. While the gate is closed, one task
    makes attempts and the others wait.

    Args:
        task_id: The task.
        tasks: The task store.
        provider: The client of the task's account.
        slots: The slots; the account's are throttled when the provider says that it is full below our limit.
        gate: The account's gate for creates.
    """
    tasks, slots = tasks or TaskStore(), slots or Slots()
    state, stored, gates = slots.state_task_and_gates(task_id)
    is_called = stored is not None and not stored.task_status.is_terminal and not stored.dispatched_at
    held_at = _acquire(stored, state, tasks, slots) if stored is not None and is_called else DEFAULT_ACCOUNT
    if held_at is None:
        return StepResult(outcome=Outcome.QUEUED)
    # A task that an account may know already stays there, wherever it holds slots.
    account = (stored.account if stored else "") or held_at
    gate = gate or Gate(Calls.CREATE, account)
    is_admitted = not is_called or gate.admits(task_id, gates.get(account))
    try:
        task = tasks.begin_dispatch(task_id, attempts=int(is_admitted), account=account)
        if not is_admitted and gate.admits(task_id):
            # The gate has opened since, and this task's wake-up may just have been cleared.
            is_admitted, task = True, tasks.begin_dispatch(task_id, account=account)
    except TaskNotFound:
        release_and_wake(task_id, tasks=tasks, slots=slots)
        return StepResult(outcome=Outcome.GONE)
    if task.task_status.is_terminal:
        release_and_wake(task_id, task.n, tasks=tasks, slots=slots)
        return ended(task)
    if task.dispatched_at:
        # The workflow began again after the provider had taken the task. It needs no slots to continue.
        return StepResult(outcome=Outcome.ADOPTED)
    if task.at != account:
        # Another attempt has bound the task in between. The next one follows it.
        return StepResult(outcome=Outcome.AGAIN, wait=1)
    if not is_admitted:
        if _moves(task, gate, tasks, slots):
            return StepResult(outcome=Outcome.AGAIN, wait=1)
        return _parked(task, closed_because(gate.seen), tasks, slots)
    try:
        taken, outcome = _create_or_adopt(task, provider or provider_for(task.at))
    except ProviderError as error:
        return _refused(task, error, tasks, slots, gate)
    tasks.dispatched(task, taken.task_id)
    learn(gate, task_id, Lesson.PASSED, tasks=tasks, slots=slots)
    return StepResult(outcome=outcome)


def _acquire(task: Task, state: SlotState, tasks: TaskStore, slots: Slots) -> str | None:
    """The account at which the task holds its slots now. Otherwise it is in the queue."""
    if task.wake_requested_at and not state.is_held_by(task.task_id):
        # Slots may have been handed over between the two reads: look again once the wake-up is cleared.
        tasks.clear_wake_up(task.task_id)
        state = slots.state()
    account = slots.acquire(task, state)
    if account is None and not task.is_waiting:
        tasks.enqueue(task.task_id, state.virtual_time)
    return account


def _moves(task: Task, gate: Gate, tasks: TaskStore, slots: Slots) -> bool:
    """Whether a task leaves the account that is refused: if it was surely not created there, and another one is open.

    A crash in between leaves the task with slots that its next attempt releases in the same way.
    """
    if not (gate.seen.is_refused and task.is_surely_not_created and slots.has_other(task)):
        return False
    if not tasks.leave_account(task, slots.state().virtual_time):
        return False
    metrics.record(metrics.MOVED)
    release_and_wake(task.task_id, task.n, is_queued=True, tasks=tasks, slots=slots)
    return True


def _create_or_adopt(task: Task, provider: Provider) -> tuple[ProviderTask, Outcome]:
    if task.dispatch_attempts > 1 or task.provider_task_id:
        try:
            return provider.query(task.run_id), Outcome.ADOPTED
        except ProviderError as error:
            if error.verdict is not Verdict.MISSING:
                # Where the look-up was refused, the task was not: for that alone it does not end.
                verdict = Verdict.RETRY if error.verdict is Verdict.PERMANENT else error.verdict
                raise _NotLookedUp(verdict, error.reason, error.code) from error
    try:
        return provider.create(provider_request(task)), Outcome.DISPATCHED
    except ProviderError as error:
        if error.verdict is not Verdict.DUPLICATE:
            raise
    try:
        return provider.query(task.run_id), Outcome.ADOPTED
    except ProviderError as error:
        # The provider has just said that it has the task, so this answer does not end it.
        raise ProviderError(Verdict.UNKNOWN, error.reason, error.code) from error


def _refused(task: Task, error: ProviderError, tasks: TaskStore, slots: Slots, gate: Gate) -> StepResult:
    task = _counted(task, error, tasks)
    advice = learn(gate, task.task_id, _lesson_of(task, error), str(error), tasks=tasks, slots=slots)
    if error.verdict is Verdict.ACCOUNT and advice.is_closed and _moves(task, gate, tasks, slots):
        return StepResult(outcome=Outcome.AGAIN, wait=1, reason=str(error))
    if error.verdict not in _REPEATABLE and error.verdict is not Verdict.ACCOUNT:
        return _failed(task, error.reason, metrics.Failure.REFUSED, tasks, slots)
    # A task that may exist and be paid for is looked up again, as long as a paid task would be polled.
    is_in_doubt = error.verdict is Verdict.UNKNOWN or isinstance(error, _NotLookedUp)
    if is_overdue(task, is_in_doubt=is_in_doubt):
        return _too_late(task, f"its last answer: {error}", tasks, slots)
    if error.code == FULL:
        slots.throttle(task)
    is_spent = task.dispatch_attempts > MANY_PROBES[Calls.CREATE]
    if advice.probe_after and is_spent:
        hand_over_probe(gate, Calls.CREATE, task, tasks=tasks, slots=slots)
    if advice.is_closed and (not advice.probe_after or is_spent):
        return _parked(task, closed_because(gate.seen), tasks, slots)
    _keep(task, str(error), tasks)
    return StepResult(outcome=Outcome.AGAIN, wait=advice.probe_after or _wait(task, error), reason=str(error))


def _counted(task: Task, error: ProviderError, tasks: TaskStore) -> Task:
    """Counts an attempt that was surely refused, if all attempts before it were: the task is not at the account."""
    if not _is_sure(error) or task.refused_attempts != task.dispatch_attempts - 1:
        return task
    tasks.refused(task, str(error), attempts=task.dispatch_attempts)
    return task.model_copy(update={"refused_attempts": task.dispatch_attempts, "refusal": str(error)})


def _is_sure(error: ProviderError) -> bool:
    """Whether an error says for certain that this attempt made no task. A 429 without a code may be a gateway's."""
    if isinstance(error, _NotLookedUp):
        return False
    return error.verdict is Verdict.ACCOUNT or (error.verdict is Verdict.WAIT and error.code > 0)


def _lesson_of(task: Task, error: ProviderError) -> Lesson:
    """Returns the lesson of an attempt: a create that fails after a look-up shows that it answers."""
    is_looked_up = task.dispatch_attempts > 1 and not isinstance(error, _NotLookedUp)
    cause = error.__cause__ if isinstance(error.__cause__, ProviderError) else error
    lesson = lesson_of(cause)
    return Lesson.ANSWERED if lesson is Lesson.AWAY and is_looked_up else lesson


def _parked(task: Task, reason: str, tasks: TaskStore, slots: Slots) -> StepResult:
    """Waits, with its slots, until the task that probes has opened the gate."""
    if is_overdue(task, is_in_doubt=task.dispatch_attempts > 0):
        return _too_late(task, reason, tasks, slots)
    _keep(task, reason, tasks)
    return StepResult(outcome=Outcome.PARKED, reason=reason)


def _keep(task: Task, refusal: str, tasks: TaskStore) -> None:
    if refusal != task.refusal:
        tasks.refused(task, refusal)


def _too_late(task: Task, why: str, tasks: TaskStore, slots: Slots) -> StepResult:
    reason = f"The provider did not take the task within {load(DeadlineSettings).dispatch_seconds} s; {why}"
    return _failed(task, reason, metrics.Failure.DISPATCH_DEADLINE, tasks, slots)


def _failed(task: Task, reason: str, failure: metrics.Failure, tasks: TaskStore, slots: Slots) -> StepResult:
    release_and_wake(task.task_id, task.n, tasks=tasks, slots=slots)
    return ended(tasks.fail(task, reason, failure) or tasks.get(task.task_id))


def _wait(task: Task, error: ProviderError) -> int:
    """Soon at first, every 30 s for ten minutes, then a twentieth of the time so far: a history holds days of it."""
    age = (clock.milliseconds() - task.slots_acquired_at) // 1_000
    doublings = task.dispatch_attempts - (1 if error.code == FULL else _SHORT_WAITS)
    backoff = min(_FIRST_WAIT_SECONDS * 2 ** min(max(doublings, 0), 10), _LONGEST_WAIT_SECONDS)
    longest = max(backoff, age // _AGE_SHARE)
    # Jitter over the upper half: many tasks refused at the same moment do not come back at the same moment.
    return random.randint((longest + 1) // 2, longest)  # noqa: S311 - spreads retries, hides nothing
