"""The step ``Poll``: asks the provider how far a task is. A callback's body is never believed; this answer is."""

from __future__ import annotations

import random

from kiln import clock, events, metrics
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import TaskNotFound
from kiln.provider import Provider, ProviderError, ProviderTask, Verdict
from kiln.provider.accounts import provider_for
from kiln.provider.verdicts import MISSING_CODES
from kiln.settings import AddressSettings, DeadlineSettings, load
from kiln.slots.gate import Calls, Gate
from kiln.slots.gate_rule import Lesson
from kiln.slots.store import Slots
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.workflow.outcomes import Outcome, StepResult, ended
from kiln.workflow.recovery import MANY_PROBES, closed_because, hand_over_probe, learn, lesson_of
from kiln.workflow.release import release_and_wake

MANY_POLLS = 200
"""After so many polls the timer is slower: a provider that is away for days must not fill an execution's history."""

_FEW_POLLS = 20
"""So many polls without an answer are repeated after a second or two: a provider that is away closes the gate."""

_MISSING_GRACE_SECONDS = 300
"""So long after its creation a task that the provider does not find may still turn up there (Kiln's own choice)."""


def poll(
    task_id: str,
    *,
    processing_published: bool = False,
    tasks: TaskStore | None = None,
    provider: Provider | None = None,
    slots: Slots | None = None,
    gate: Gate | None = None,
) -> StepResult:
    """Asks the provider, and moves the task on if its answer is news. While the gate is closed, one task asks.

    The wake-up request is cleared *before* the provider is asked: a callback that arrives while it answers requests
    another one, and the next parking passes at once. The slots are handed over as soon as the provider is done, before
    any image is copied.

    Args:
        task_id: The task.
        processing_published: Whether the workflow has published the change to ``processing``. The workflow keeps that,
            not the task: a step that is repeated after its write then still hands out the event.
        tasks: The task store.
        provider: The client of the task's account.
        slots: The slots.
        gate: The account's gate for queries.
    """
    tasks, slots = tasks or TaskStore(), slots or Slots()
    try:
        task = tasks.begin_poll(task_id)
    except TaskNotFound:
        release_and_wake(task_id, tasks=tasks, slots=slots)
        return StepResult(outcome=Outcome.GONE)
    if task.task_status.is_terminal:
        release_and_wake(task_id, task.n, tasks=tasks, slots=slots)
        return ended(task)
    waker = _waker(task)
    if waker:
        metrics.record(metrics.WAKE_UPS, of=waker)
    answer = _ask(task, provider, tasks, slots, gate or Gate(Calls.QUERY, task.at))
    if isinstance(answer, StepResult):
        return answer
    if answer.status is None:
        return _unknown(task, answer, tasks, slots)
    if waker and answer.status.is_terminal:
        metrics.record(metrics.CALLBACKS_MISSED, waker is metrics.Waker.TIMER)
    if answer.status is TaskStatus.SUCCEED:
        release_and_wake(task_id, task.n, tasks=tasks, slots=slots)
        return StepResult(outcome=Outcome.GENERATED)
    if answer.status is TaskStatus.FAILED:
        reason = answer.task_status_msg or "The provider failed the task without a reason"
        return _failed(task, reason, metrics.Failure.PROVIDER, tasks, slots)
    if _is_overdue(task):
        return _overdue(task, f"its last status there was {answer.status_word}", tasks, slots)
    return _running(task, answer, tasks, processing_published=processing_published)


def _ask(
    task: Task, provider: Provider | None, tasks: TaskStore, slots: Slots, gate: Gate
) -> ProviderTask | StepResult:
    if not gate.admits(task.task_id):
        return _unanswered(task, closed_because(gate.seen), tasks, slots)
    try:
        answer = (provider or provider_for(task.at)).query(task.provider_task_id or task.run_id, task.run_id)
    except ProviderError as error:
        return _failed_poll(task, error, tasks, slots, gate)
    learn(gate, task.task_id, Lesson.PASSED, tasks=tasks, slots=slots)
    return answer


def _running(task: Task, answer: ProviderTask, tasks: TaskStore, *, processing_published: bool) -> StepResult:
    if answer.status is not TaskStatus.PROCESSING or processing_published:
        return StepResult(outcome=_running_outcome(task))
    if task.task_status is TaskStatus.SUBMITTED:
        task = tasks.process(task) or tasks.get(task.task_id)
    event = events.status_event(task, load(AddressSettings).public_url, TaskStatus.PROCESSING)
    return StepResult(outcome=Outcome.PROCESSING, event=event)


def _running_outcome(task: Task) -> Outcome:
    return Outcome.RUNNING_LONG if task.polls >= MANY_POLLS else Outcome.RUNNING


def _unknown(task: Task, answer: ProviderTask, tasks: TaskStore, slots: Slots) -> StepResult:
    """A status word that Kiln does not know may mean anything: keep asking, within the time for generating."""
    metrics.record(metrics.UNKNOWN_STATUSES)
    state = f"its last status there, {answer.status_word!r}, is none that Kiln knows"
    if _is_overdue(task):
        return _overdue(task, state, tasks, slots)
    if task.refusal != state:
        tasks.refused(task, state)
    return StepResult(outcome=_running_outcome(task), reason=state)


def _overdue(task: Task, state: str, tasks: TaskStore, slots: Slots) -> StepResult:
    limit = load(DeadlineSettings).generation_seconds
    reason = f"The provider did not finish the task within {limit} s; {state}"
    return _failed(task, reason, metrics.Failure.GENERATION_DEADLINE, tasks, slots)


def _failed_poll(task: Task, error: ProviderError, tasks: TaskStore, slots: Slots, gate: Gate) -> StepResult:
    lesson = lesson_of(error)
    advice = learn(gate, task.task_id, lesson, str(error), tasks=tasks, slots=slots)
    # A 404 with a code that says nothing may be a gateway's, and the task may be paid for.
    is_gone = error.verdict is Verdict.MISSING and error.code in MISSING_CODES
    if is_gone and _seconds_running(task) > _MISSING_GRACE_SECONDS:
        reason = f"The provider no longer knows the task: {error.reason}"
        return _failed(task, reason, metrics.Failure.PROVIDER, tasks, slots)
    is_spent = task.polls > MANY_PROBES[Calls.QUERY]
    if advice.probe_after and is_spent:
        hand_over_probe(gate, Calls.QUERY, task, tasks=tasks, slots=slots)
    wait = 0 if is_spent else advice.probe_after
    if not advice.is_closed and task.polls < _FEW_POLLS and (lesson is Lesson.AWAY or error.verdict is Verdict.WAIT):
        wait = random.randint(1, 2)  # noqa: S311 - spreads retries, hides nothing
    return _unanswered(task, f"its last answer was: {error}", tasks, slots, wait)


def _unanswered(task: Task, reason: str, tasks: TaskStore, slots: Slots, wait: int = 0) -> StepResult:
    # A task that cannot be asked for may be finished and paid. Kiln waits for it as long as for finished images.
    limit = load(DeadlineSettings).collect_seconds
    if _seconds_running(task) > limit:
        reason = f"The provider could not be asked for the task within {limit} s; {reason}"
        return _failed(task, reason, metrics.Failure.GENERATION_DEADLINE, tasks, slots)
    return StepResult(outcome=Outcome.AGAIN if wait else _running_outcome(task), wait=wait, reason=reason)


def _failed(task: Task, reason: str, failure: metrics.Failure, tasks: TaskStore, slots: Slots) -> StepResult:
    release_and_wake(task.task_id, task.n, tasks=tasks, slots=slots)
    return ended(tasks.fail(task, reason, failure) or tasks.get(task.task_id))


def _waker(task: Task) -> metrics.Waker | None:
    """Returns the reason for this poll; ``None`` for the first poll of an adopted task, which follows its dispatch."""
    if task.wake_requested_at:
        return metrics.Waker.CALLBACK
    is_adopted = task.dispatch_attempts > 1 and not task.polls
    return None if is_adopted else metrics.Waker.TIMER


def _seconds_running(task: Task) -> float:
    return (clock.milliseconds() - task.dispatched_at) / 1_000


def _is_overdue(task: Task) -> bool:
    return _seconds_running(task) > float(load(DeadlineSettings).generation_seconds)
