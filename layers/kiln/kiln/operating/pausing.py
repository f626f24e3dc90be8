"""Pauses dispatch for an operator, and resumes it."""

from __future__ import annotations

from kiln.operating.dispatch import DispatchStatus, status
from kiln.slots.store import Slots
from kiln.workflow.release import release_and_wake, release_ended


class Resumed(DispatchStatus):
    """Dispatch after it was resumed.

    Attributes:
        woken: How many tasks were handed slots and woken.
    """

    woken: int


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
