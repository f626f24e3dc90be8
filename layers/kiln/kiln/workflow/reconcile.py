"""Reconciles what is recorded with what runs, once a minute: the net below every wake-up, stream record and rule.

A run is bounded. It checks some waiting and some running tasks, the oldest first. The next run continues where it
stopped. An installation in which nothing waits and nothing runs costs ten reads a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from kiln import aws, clock, metrics
from kiln.errors import TaskNotFound
from kiln.provider.accounts import known_accounts
from kiln.settings import PrioritySettings, WorkflowSettings, load
from kiln.slots.pools import open_slots
from kiln.slots.store import Slots
from kiln.tasks import items
from kiln.tasks.admission import LOW_TURNS
from kiln.tasks.attributes import plain
from kiln.tasks.estimates import Estimates
from kiln.tasks.queue import HEAD, TaskQueue
from kiln.tasks.store import TaskStore
from kiln.tasks.table import TableAccess
from kiln.tasks.task import Task
from kiln.workflow.batch import end_incomplete
from kiln.workflow.executions import last_execution
from kiln.workflow.recovery import probe_long_outages, recover, wake_if_overdue
from kiln.workflow.release import release_and_wake, release_ended
from kiln.workflow.rescue import rescue
from kiln.workflow.start import start_stored

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

CHECKED_AT_ONCE = 50
"""How many tasks of each kind a run checks: 100 calls a minute of the 15 a second that Step Functions grants."""

YOUNG_SECONDS = 180
"""A younger task is left alone: its stream record, or its rescue, may still be on the way."""

_KINDS = (items.WAITING, items.RUNNING)


class Reconciled(BaseModel):
    """The result of one run.

    Attributes:
        checked: How many tasks were compared with their executions.
        started: The tasks whose workflow was started or started again.
        woken: How many waiting tasks were handed slots and woken.
        waiting: How many tasks wait in the queue.
        batches: The batches whose missing jobs were refused.
    """

    checked: int = 0
    started: list[str] = []
    woken: int = 0
    waiting: int = 0
    batches: list[str] = []


class Cursor(TableAccess):
    """Where the last run stopped, for each kind of task."""

    def read(self) -> dict[str, int]:
        """The turn of the task that was checked last; -1 to begin with the oldest."""
        answer = self._client.get_item(TableName=self._table, Key=items.RECONCILER_KEY)
        item = answer.get("Item", {})
        return {kind: int(plain(item[kind])) if kind in item else -1 for kind in _KINDS}

    def write(self, after: dict[str, int]) -> None:
        """Keeps where the next run continues."""
        self._client.update_item(
            TableName=self._table,
            Key=items.RECONCILER_KEY,
            UpdateExpression="SET waiting = :waiting, running = :running",
            ExpressionAttributeValues=items.values(**after),
        )


def reconcile(
    *, tasks: TaskStore | None = None, slots: Slots | None = None, step_functions: SFNClient | None = None
) -> Reconciled:
    """Releases slots of ended tasks, hands free slots over, starts what runs nowhere, and measures the queue."""
    tasks, slots = tasks or TaskStore(), slots or Slots()
    known_accounts(fresh=True)  # An account that was just added gets tasks in this run.
    done = Reconciled()
    state = slots.state()
    promote_low(tasks, state.virtual_time)
    # Also wakes again every task that holds slots and still waits: its first wake-up may be lost.
    done.woken = release_ended(tasks=tasks, slots=slots) + release_and_wake("", 0, tasks=tasks, slots=slots)
    woken, is_closed = recover(tasks=tasks, slots=slots)
    done.woken += woken
    queue, cursor = TaskQueue(), Cursor()
    before = cursor.read()
    after = dict(before)
    running: list[str] = []
    models: set[str] = set()
    for kind in _KINDS:
        listed = queue.page(kind, after=before[kind], most=CHECKED_AT_ONCE)
        after[kind] = listed[-1].turn if len(listed) == CHECKED_AT_ONCE else -1
        running = [each.task_id for each in listed] if kind == items.RUNNING else []
        for each in listed:
            done.checked += 1
            task = _stored(each.task_id, tasks)
            if task and kind == items.WAITING:
                models.add(task.model_name)
            if task and _continue(task, tasks, step_functions):
                done.started.append(each.task_id)
    if after != before:
        cursor.write(after)
    done.batches = end_incomplete()
    done.waiting = _measure(queue)
    # Tasks that wait are served by the slots of their models alone.
    usable = 0 if state.paused_at else open_slots(slots.pools(state), models)
    milestones = queue.milestones() if done.waiting > HEAD else []
    _measure_stages(running, tasks, usable, done.waiting, milestones)
    names = slots.account_names()
    for name in names if len(names) > 1 else []:
        metrics.record(metrics.ACCOUNT_SLOTS_HELD, state.at(name).held, of=name)
    if is_closed:
        # The last step: in a long outage it continues until the next minute.
        done.woken += probe_long_outages(tasks=tasks, slots=slots)
    return done


def promote_low(tasks: TaskStore, virtual_time: int) -> None:
    """Gives the next turn to tasks of low priority that have waited for ``LowPriorityHours``, up to 1,000 a run."""
    accepted_before = clock.milliseconds() - load(PrioritySettings).low_hours * 3_600_000
    for each in TaskQueue().page(items.WAITING, after=LOW_TURNS - 1):
        if each.created_at <= accepted_before:
            tasks.promote(each.task_id, each.turn, virtual_time)


def _measure_stages(running: list[str], tasks: TaskStore, slots: int, waiting: int, milestones: list[int]) -> None:
    """Measures the stage times of tasks that ran a minute ago and have ended since, for estimates."""
    estimates = Estimates()
    before = estimates.read()
    ended = tasks.get_all([task_id for task_id in before.watched if task_id not in running])
    estimates.measure(before, ended, running, slots=slots, waiting=waiting, milestones=milestones)


def _stored(task_id: str, tasks: TaskStore) -> Task | None:
    try:
        return tasks.get(task_id)
    except TaskNotFound:
        return None  # The index lags behind.


def _continue(task: Task, tasks: TaskStore, given: SFNClient | None) -> bool:
    """Starts the workflow of a task that runs nowhere, by the rules that are there for it."""
    if task.task_status.is_terminal:
        return False
    client = given or aws.step_functions()
    if clock.milliseconds() - max(task.created_at, task.slots_acquired_at) < YOUNG_SECONDS * 1_000:
        return False
    last, _ = last_execution(task.run_id, client)
    if last is None:
        start_stored(task.task_id, step_functions=client)
        return True
    if last["status"] == "RUNNING":
        wake_if_overdue(task, tasks)
        return False
    return _again(last, tasks, client)


def _again(last: Any, tasks: TaskStore, client: SFNClient) -> bool:
    # An execution that has succeeded although its task has not ended is treated as one that broke.
    status = "FAILED" if last["status"] == "SUCCEEDED" else str(last["status"])
    machine = load(WorkflowSettings).state_machine_arn
    return rescue(machine, last["name"], status, last["input"], tasks=tasks, step_functions=client) is not None


def _measure(queue: TaskQueue) -> int:
    """Measures the queue's length and the age of its oldest task; a caller's first task is its oldest."""
    waiting = queue.count()
    metrics.record(metrics.TASKS_WAITING, waiting)
    first = queue.page(items.WAITING, most=100) if waiting else []
    # A task of low priority is meant to wait.
    accepted = [each.created_at for each in first if each.turn < LOW_TURNS]
    if accepted:
        metrics.record(metrics.OLDEST_WAITING, max(0, clock.milliseconds() - min(accepted)) / 1_000)
    return waiting
