"""Shows dispatch to an operator (held slots, waiting tasks, a pause), pauses it and resumes it."""

from __future__ import annotations

from pydantic import BaseModel

from kiln.errors import TaskNotFound
from kiln.slots.gate import Calls, Gate
from kiln.slots.store import Slots
from kiln.tasks.queue import TaskQueue
from kiln.tasks.store import TaskStore
from kiln.workflow.recovery import closed_because
from kiln.workflow.release import release_and_wake, release_ended


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


class Resumed(DispatchStatus):
    """Dispatch after it was resumed.

    Attributes:
        woken: How many tasks were handed slots and woken.
    """

    woken: int


def status(*, tasks: TaskStore | None = None, slots: Slots | None = None) -> DispatchStatus:
    """Reads the state of dispatch."""
    tasks, slots = tasks or TaskStore(), slots or Slots()
    state = slots.state()
    gates = [gate for gate in (Gate(calls).state() for calls in Calls) if gate.closed_at]
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
    )


def pause(*, slots: Slots | None = None) -> DispatchStatus:
    """Lets no task acquire slots; tasks that hold slots continue to their end."""
    slots = slots or Slots()
    slots.pause()
    return status(slots=slots)


def resume(*, slots: Slots | None = None) -> Resumed:
    """Hands free slots to waiting tasks again. If dispatch already runs, it only releases the slots of ended tasks."""
    slots = slots or Slots()
    slots.resume()
    woken = release_ended(slots=slots) + release_and_wake("", 0, slots=slots)
    return Resumed(**status(slots=slots).model_dump(), woken=woken)


def _accepted_at(task_id: str, tasks: TaskStore) -> int:
    try:
        return tasks.get(task_id).created_at
    except TaskNotFound:
        return 0  # The index lags behind.
