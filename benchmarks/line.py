"""The provider's slots and the line before them, in simulated time, by the rules of ``kiln.slots`` and admission.

Taking needs room for all ``n``; who leaves deals what is free to those next in line, each all of its slots or none, and
reserves for the first that does not fit; a caller's next task stands ``n`` behind its last, never behind the service.
"""

from __future__ import annotations

import bisect
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

import simpy


@dataclass(order=True)
class Waiting:
    """A task in line: the smaller its turn, the sooner.

    Attributes:
        turn: Its finish tag.
        order: When it came, among those of the same turn.
        slots: How many it needs.
        called: Happens when it has been handed its slots.
    """

    turn: int
    order: int
    slots: int = field(compare=False)
    called: Any = field(compare=False, repr=False)


def deal(free: int, needs: Iterable[int]) -> tuple[list[int], int]:
    """Deals free slots out to those in line.

    Args:
        free: How many slots there are to deal.
        needs: How many each of them needs, the first in line first.

    Returns:
        The places of those who get theirs, and how many slots are reserved for one who has to wait for more.
    """
    served: list[int] = []
    for place, need in enumerate(needs):
        if need > free:
            return served, free
        served.append(place)
        free -= need
        if not free:
            break
    return served, 0


class Line:
    """An account's slots.

    Args:
        world: The simulation.
        limit: How many slots there are.

    Attributes:
        held: How many are held now.
        reserved: How many are kept for the first in line.
        longest: The most tasks in line at once.
        used_while_waited_for: Which share of the slots was held, from the start until the line was last empty again.
    """

    def __init__(self, world: simpy.Environment, limit: int) -> None:
        self._world = world
        self.limit = limit
        self.held = 0
        self.reserved = 0
        self._waiting: list[Waiting] = []
        self._virtual_time = 0
        self._finish: dict[str, int] = {}
        self._came = 0
        self._since = 0.0
        self._slot_seconds = 0.0
        self.longest = 0
        self.used_while_waited_for = 0.0

    @property
    def slot_seconds_until_now(self) -> float:
        """How many slots were held, times how long."""
        return self._slot_seconds + self.held * (self._world.now - self._since)

    def admit(self, caller: str, n: int) -> int:
        """The turn of a caller's next task."""
        tag = max(self._finish.get(caller, 0), self._virtual_time) + n
        self._finish[caller] = tag
        return tag

    def take(self, turn: int, n: int) -> Generator[simpy.Event, Any, bool]:
        """Takes a task's slots, waiting in line for them if need be.

        Returns:
            Whether it had to wait.
        """
        slots = min(n, self.limit)
        if self.held + self.reserved + slots <= self.limit:
            self._hold(slots)
            self._virtual_time = turn
            return False
        self._came += 1
        place = Waiting(turn, self._came, slots, self._world.event())
        bisect.insort(self._waiting, place)
        self.longest = max(self.longest, len(self._waiting))
        yield place.called
        self._virtual_time = turn
        return True

    def leave(self, n: int) -> None:
        """Gives a task's slots back, and deals out what is free then."""
        self._hold(-min(n, self.limit))
        served, self.reserved = deal(self.limit - self.held, (each.slots for each in self._waiting))
        called = [self._waiting[place] for place in served]
        del self._waiting[: len(called)]
        for each in called:
            self._hold(each.slots)
            each.called.succeed()
        if called and not self._waiting and self._world.now:
            self.used_while_waited_for = self.slot_seconds_until_now / (self.limit * self._world.now)

    def _hold(self, slots: int) -> None:
        self._slot_seconds = self.slot_seconds_until_now
        self._since = self._world.now
        self.held += slots
