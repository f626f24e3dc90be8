"""What a step of the workflow can come to."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, Field

from kiln.events import BusEntry


class Outcome(StrEnum):
    """Where the state machine goes next."""

    DISPATCHED = "dispatched"
    """The provider has just taken the task: wait for its callback."""

    ADOPTED = "adopted"
    """The provider had the task already: ask how far it is."""

    RUNNING = "running"
    """The provider is still at it, and nothing is new."""

    PROCESSING = "processing"
    """The provider has begun: tell the bus, then wait on."""

    GENERATED = "generated"
    """The provider is done: copy the images."""

    AGAIN = "again"
    """It did not work this time: the same step again after ``wait`` seconds."""

    ENDED = "ended"
    """The task has reached a terminal status."""


class StepResult(BaseModel, defer_build=True):
    """What a step hands to the state machine.

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
