"""The step ``Dispatch``: acquires a task's slots and has the provider make its images, exactly once."""

from __future__ import annotations

import random

from kiln import clock, metrics
from kiln.errors import TaskNotFound
from kiln.provider import Provider, ProviderError, ProviderTask, Verdict
from kiln.provider.client import shared_provider
from kiln.provider.verdicts import FULL
from kiln.settings import DeadlineSettings, load
from kiln.slots.store import Slots
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.workflow.outcomes import Outcome, StepResult, ended
from kiln.workflow.provider_request import provider_request
from kiln.workflow.release import release_and_wake

_FIRST_WAIT_SECONDS = 2
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
) -> StepResult:
    """Acquires the task's slots, then creates it at the provider or adopts what an earlier attempt has created.

    The provider gets the task's ``run_id`` as ``external_task_id``. Only the first attempt creates straight away. Every
    later one looks the id up first, as the attempt before it may have got through.

    Args:
        task_id: The task.
        tasks: The task store.
        provider: The provider account.
        slots: The account's slots; throttled when the provider says that it is full below our limit.
    """
    tasks, slots = tasks or TaskStore(), slots or Slots()
    state, task = slots.state_and_task(task_id)
    if task is not None and not task.task_status.is_terminal and not task.dispatched_at:
        if task.wake_requested_at and not state.is_held_by(task_id):
            # Slots may have been handed over between the two reads: look again once the wake-up is cleared.
            tasks.clear_wake_up(task_id)
            state = slots.state()
        if not slots.acquire(task, state):
            if not task.is_waiting:
                tasks.enqueue(task_id, state.virtual_time)
            return StepResult(outcome=Outcome.QUEUED)
    try:
        task = tasks.begin_dispatch(task_id)
    except TaskNotFound:
        release_and_wake(task_id, tasks=tasks, slots=slots)
        return StepResult(outcome=Outcome.GONE)
    if task.task_status.is_terminal:
        release_and_wake(task_id, task.n, tasks=tasks, slots=slots)
        return ended(task)
    if task.dispatched_at:
        # The workflow began again after the provider had taken the task. It needs no slots to continue.
        return StepResult(outcome=Outcome.ADOPTED)
    try:
        taken, outcome = _create_or_adopt(task, provider or shared_provider())
    except ProviderError as error:
        return _refused(task, error, tasks, slots)
    tasks.dispatched(task, taken.task_id)
    return StepResult(outcome=outcome)


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


def _refused(task: Task, error: ProviderError, tasks: TaskStore, slots: Slots) -> StepResult:
    if error.verdict not in _REPEATABLE and error.verdict is not Verdict.ACCOUNT:
        return _failed(task, error.reason, metrics.Failure.REFUSED, tasks, slots)
    deadlines = load(DeadlineSettings)
    # A task that may exist and be paid for is looked up again, as long as a paid task would be polled.
    is_in_doubt = error.verdict is Verdict.UNKNOWN or isinstance(error, _NotLookedUp)
    limit = deadlines.dispatch_seconds + (deadlines.collect_seconds if is_in_doubt else 0)
    if clock.milliseconds() - task.slots_acquired_at > limit * 1_000:
        reason = f"The provider did not take the task within {deadlines.dispatch_seconds} s; its last answer: {error}"
        return _failed(task, reason, metrics.Failure.DISPATCH_DEADLINE, tasks, slots)
    if error.code == FULL:
        slots.throttle()
    if str(error) != task.refusal:
        tasks.refused(task, str(error))
    return StepResult(
        outcome=Outcome.AGAIN,
        wait=_wait(task),
        reason=str(error),
    )


def _failed(task: Task, reason: str, failure: metrics.Failure, tasks: TaskStore, slots: Slots) -> StepResult:
    release_and_wake(task.task_id, task.n, tasks=tasks, slots=slots)
    return ended(tasks.fail(task, reason, failure) or tasks.get(task.task_id))


def _wait(task: Task) -> int:
    """Soon at first, every 30 s for ten minutes, then a twentieth of the time so far: a history holds days of it."""
    age = (clock.milliseconds() - task.slots_acquired_at) // 1_000
    backoff = min(_FIRST_WAIT_SECONDS * 2 ** min(task.dispatch_attempts - 1, 10), _LONGEST_WAIT_SECONDS)
    longest = max(backoff, age // _AGE_SHARE)
    # Jitter over the upper half: many tasks refused at the same moment do not come back at the same moment.
    return random.randint((longest + 1) // 2, longest)  # noqa: S311 - spreads retries, hides nothing
