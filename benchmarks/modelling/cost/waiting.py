"""Costs of tasks that wait in the queue: the reconciler's runs, and one look of each task a day."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.data.counts import Counts, Work
from benchmarks.data.prices import PriceList
from benchmarks.data.recorded_calls import RecordedCalls
from benchmarks.modelling.cost.task import cost_of
from benchmarks.modelling.dynamodb_units import item_bytes, read_units
from benchmarks.workflow import AWAIT_TURN, states
from kiln.tasks.queue import LONGEST_POSITION
from kiln.workflow.reconcile import CHECKED_AT_ONCE

FIXED_CALLS = 19
"""Requests to AWS of a run of the reconciler, without the tasks that it checks and the pages that it counts."""

CALLS_OF_A_CHECK = 2
"""A waiting task is read, and its execution is described."""

PAGE_BYTES = 1_048_576
"""A page of a query."""

INDEX_ENTRY = {
    "pk": {"S": "TASK#0123456789abcdef0123456789abcdef"},
    "queue": {"S": "waiting"},
    "turn": {"N": "1234567"},
    "task_id": {"S": "0123456789abcdef0123456789abcdef"},
    "n": {"N": "1"},
    "created_at": {"N": "1722769557708"},
}
"""An entry of the index by_turn, as of any waiting task."""


@dataclass(frozen=True)
class Waiting:
    """The dollars of waiting.

    Attributes:
        reconciler: All runs of the reconciler.
        tasks: The daily looks of all tasks.
    """

    reconciler: float
    tasks: float


def waiting_cost(tasks: int, hours: float, calls: RecordedCalls, prices: PriceList) -> Waiting:
    """Return the dollars that ``tasks`` tasks cost while they wait for ``hours`` hours."""
    run = sum(cost_of(reconciler_run(tasks, calls), prices).values())
    looks = int(hours * 3_600 // states()[AWAIT_TURN]["TimeoutSeconds"])
    # Such a look ends in the queue again; the recorded one also leaves it, so this is an upper bound.
    look = sum(cost_of(calls.waiting, prices).values())
    return Waiting(reconciler=hours * 60 * run, tasks=tasks * looks * look)


def reconciler_run(tasks: int, calls: RecordedCalls) -> Counts:
    """Return what one run of the reconciler uses while ``tasks`` tasks wait and none can start."""
    usual = calls.of(1, by_timer=False)
    entry = item_bytes(INDEX_ENTRY)
    pages = max(1, -(-tasks * entry // PAGE_BYTES))
    checked = min(tasks, CHECKED_AT_ONCE)
    requests = FIXED_CALLS + pages + checked * CALLS_OF_A_CHECK
    # The checked tasks, the first tasks of the queue for its age and for the hand-over, and every entry for its length.
    listed = checked + min(tasks, LONGEST_POSITION) + min(tasks, 100)
    reads = (
        FIXED_CALLS
        + checked * read_units([usual.item_bytes["TASK"]], consistent=True)
        + read_units([entry] * tasks, consistent=False)
        + read_units([entry] * listed, consistent=False)
    )
    cpu_of_a_call = sum(each.cpu_ms for each in usual.work.values()) / sum(
        each.aws_calls for each in usual.work.values()
    )
    work = Work(
        memory_mb=usual.work["Poll"].memory_mb, invocations=1, cpu_ms=cpu_of_a_call * requests, aws_calls=requests
    )
    lines = usual.log_bytes // usual.log_lines
    return Counts(read_units={"reconciler": reads}, work={"Reconcile": work}, log_bytes=6 * lines)
