"""Shows dispatch to an operator: held slots, waiting tasks, a pause."""

from __future__ import annotations

from pydantic import BaseModel

from kiln.errors import TaskNotFound
from kiln.slots.gate import Calls, Gate
from kiln.slots.gate_rule import GateState
from kiln.slots.pools import account_of
from kiln.slots.state import SlotState
from kiln.slots.store import Slots
from kiln.tasks.queue import TaskQueue
from kiln.tasks.store import TaskStore
from kiln.workflow.recovery import closed_because


class AccountStatus(BaseModel):
    """One provider account at one moment.

    Attributes:
        name: Its name.
        slots: How many it has, for all its models together.
        held: How many of them tasks hold.
        throttled: How many rest for a while.
        reserved: How many are reserved for a task that needs more than are free.
        closed_since: When its gate closed, in milliseconds since the epoch; 0 while it is open.
        is_draining: Whether it gets no new tasks.
    """

    name: str
    slots: int
    held: int
    throttled: int
    reserved: int
    closed_since: int
    is_draining: bool


class DispatchStatus(BaseModel):
    """Dispatch at one moment.

    Attributes:
        paused_at: Since when no task gets slots, in milliseconds since the epoch; 0 while dispatch runs.
        slots: How many there are.
        held: How many of them tasks hold.
        throttled: How many rest for a while, as the provider was full below our limit.
        reserved: How many are reserved for the first task in the queue, which needs more than are free.
        running: The tasks that hold slots.
        ended: Those of them that have ended or do not exist: their slots are overdue for release.
        waiting: How many tasks without slots wait in the queue, counted to 1,000.
        next_task_id: The first of them, or an empty string.
        next_since: When that one was accepted, in milliseconds since the epoch; 0 for none.
        closed_since: When the gate to the provider closed, in milliseconds since the epoch; 0 while it is open.
        closed_because: Why, in words.
        accounts: Each provider account; one that is no longer in the secret has no slots.
    """

    paused_at: int
    slots: int
    held: int
    throttled: int
    reserved: int
    running: list[str]
    ended: list[str]
    waiting: int
    next_task_id: str = ""
    next_since: int = 0
    closed_since: int = 0
    closed_because: str = ""
    accounts: list[AccountStatus] = []


def status(*, tasks: TaskStore | None = None, slots: Slots | None = None) -> DispatchStatus:
    """Reads the state of dispatch."""
    tasks, slots = tasks or TaskStore(), slots or Slots()
    state = slots.state()
    by_account = {
        name: [gate for gate in (Gate(calls, name).state() for calls in Calls) if gate.closed_at]
        for name in sorted({*slots.account_names(), *map(account_of, state.names)})
    }
    gates = [gate for closed in by_account.values() for gate in closed]
    # A task that was handed slots leaves the queue a moment later.
    waiting = [task_id for task_id in TaskQueue().waiting() if task_id not in state.tasks]
    return DispatchStatus(
        paused_at=state.paused_at,
        slots=slots.limit,
        held=state.held,
        throttled=state.throttled,
        reserved=state.reserved,
        running=state.tasks,
        ended=[task_id for task_id in state.tasks if tasks.has_ended(task_id)],
        waiting=len(waiting),
        next_task_id=waiting[0] if waiting else "",
        next_since=_accepted_at(waiting[0], tasks) if waiting else 0,
        closed_since=gates[0].closed_at if gates else 0,
        closed_because=closed_because(gates[0]) if gates else "",
        accounts=[_account(name, state, slots, closed) for name, closed in by_account.items()],
    )


def _accepted_at(task_id: str, tasks: TaskStore) -> int:
    try:
        return tasks.get(task_id).created_at
    except TaskNotFound:
        return 0  # The index lags behind.


def _account(name: str, state: SlotState, slots: Slots, closed: list[GateState]) -> AccountStatus:
    pools, its = [pool for pool in slots.pools() if pool.account == name], state.at(name)
    return AccountStatus(
        name=name,
        slots=sum(pool.limit for pool in pools),
        held=its.held,
        throttled=its.throttled,
        reserved=its.reserved,
        closed_since=closed[0].closed_at if closed else 0,
        is_draining=not any(pool.is_open for pool in pools),
    )
