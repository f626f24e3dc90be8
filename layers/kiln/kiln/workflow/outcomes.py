"""The outcomes of the workflow's steps, and the event that the step which ends a task hands out."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, Field

from kiln.events import BusEntry, status_event
from kiln.settings import AddressSettings, load
from kiln.tasks.task import Task


class Outcome(StrEnum):
    """Where the state machine goes next."""

    DISPATCHED = "dispatched"
    """The provider has just taken the task: wait for its callback."""

    ADOPTED = "adopted"
    """The provider had the task already: ask how far it is."""

    QUEUED = "queued"
    """Too few slots are free: wait in the queue until a task that leaves hands some over."""

    PARKED = "parked"
    """The provider is away, and another task probes: wait, with the slots, until it is back."""

    RUNNING = "running"
    """The provider is still at it, and nothing is new."""

    RUNNING_LONG = "running_long"
    """The same after many polls: wait for the callback with a slower timer."""

    PROCESSING = "processing"
    """The provider has begun: tell the bus, then wait on."""

    GENERATED = "generated"
    """The provider is done: copy the images."""

    AGAIN = "again"
    """It did not work this time: the same step again after ``wait`` seconds."""

    ENDED = "ended"
    """The task has reached a terminal status: publish its end."""

    GONE = "gone"
    """The task is no longer stored: there is nothing to publish."""


class StepResult(BaseModel, defer_build=True):
    """The result of a step, for the state machine.

    Attributes:
        outcome: Where to go next.
        wait: Seconds to wait first, where the outcome asks for it.
        event: What to publish, where the status changed.
        reason: In words, for the execution's history.
    """

    outcome: Outcome
    wait: int = Field(default=0, ge=0)
    event: BusEntry | None = None
    reason: str = ""


def ended(task: Task, reason: str = "") -> StepResult:
    """The result of the step that ends a task, or finds it ended: it hands out the event of the end."""
    event = status_event(task, load(AddressSettings).public_url)
    return StepResult(outcome=Outcome.ENDED, event=event, reason=reason or task.task_status_msg)
