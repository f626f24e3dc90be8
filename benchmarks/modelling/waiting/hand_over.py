"""Which waiting tasks get free slots. The simulation's one copy of the rule of ``kiln.slots``; a test compares both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class HandOver:
    """The outcome of one hand-over.

    Attributes:
        served: Positions in the queue of the tasks that get all their slots.
        reserved: Free slots that are kept for the first task that needs more than are free.
    """

    served: list[int]
    reserved: int


def hand_over(free: int, needs: Iterable[int]) -> HandOver:
    """Hand free slots over to waiting tasks in order. Each task gets all of its slots or none.

    Args:
        free: How many slots are free.
        needs: How many slots each waiting task needs, first in the queue first.
    """
    served: list[int] = []
    for position, need in enumerate(needs):
        if need > free:
            return HandOver(served, reserved=free)
        served.append(position)
        free -= need
        if not free:
            break
    return HandOver(served, reserved=0)
