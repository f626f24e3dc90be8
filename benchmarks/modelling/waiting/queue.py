"""The provider's slots and the queue for them, in simulated time, by the rules of ``kiln.slots`` and admission.

A task acquires slots only if all ``n`` are free. A task that ends hands its slots over to the next tasks in the queue.
A caller's next task gets a turn ``n`` after the caller's last one, but never before the turn that is served now.
"""

from __future__ import annotations

import bisect
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from kiln.slots import hand_over
from kiln.slots.pools import Pool


@dataclass(order=True)
class Waiting:
    """A task in the queue. A smaller turn is served sooner.

    Attributes:
        turn: Its finish tag.
        order: Its order among tasks of the same turn.
        slots: How many it needs.
        served: The event of getting its slots.
    """

    turn: int
    order: int
    slots: int = field(compare=False)
    served: simpy.Event = field(compare=False, repr=False)


class SlotQueue:
    """The slots of one provider account, and the queue for them.

    Args:
        world: The simulation.
        limit: How many slots there are.

    Attributes:
        held: How many slots are held now.
        reserved: How many are kept for the first task in the queue.
        longest: The most tasks in the queue at once.
        used_while_waited_for: The share of slots held from the start until the queue was last empty again.
    """

    def __init__(self, world: simpy.Environment, limit: int) -> None:
        self._world = world
        self.limit = limit
        self.held = 0
        self.reserved = 0
        self._waiting: list[Waiting] = []
        self._virtual_time = 0
        self._last_turn: dict[str, int] = {}
        self._entered = 0
        self._since = 0.0
        self._slot_seconds = 0.0
        self.longest = 0
        self.used_while_waited_for = 0.0

    @property
    def slot_seconds_until_now(self) -> float:
        """How many slots were held, times how long."""
        return self._slot_seconds + self.held * (self._world.now - self._since)

    def admit(self, caller: str, n: int) -> int:
        """Return the turn of a caller's next task."""
        turn = max(self._last_turn.get(caller, 0), self._virtual_time) + n
        self._last_turn[caller] = turn
        return turn

    def acquire(self, turn: int, n: int) -> Generator[simpy.Event, Any, bool]:
        """Acquire a task's slots; wait in the queue if they are not free.

        Returns:
            Whether the task had to wait.
        """
        slots = min(n, self.limit)
        if self.held + self.reserved + slots <= self.limit:
            self._hold(slots)
            self._virtual_time = turn
            return False
        self._entered += 1
        waiting = Waiting(turn, self._entered, slots, self._world.event())
        bisect.insort(self._waiting, waiting)
        self.longest = max(self.longest, len(self._waiting))
        yield waiting.served
        self._virtual_time = turn
        return True

    def release(self, n: int) -> None:
        """Release a task's slots, and hand over what is then free."""
        self._hold(-min(n, self.limit))
        pool = Pool(self.limit)
        needs = (hand_over.Waiting(str(each.order), each.slots) for each in self._waiting)
        given, reserved = hand_over.serve({pool: self.limit - self.held}, needs)
        number, self.reserved = len(given), reserved.get(pool, 0)
        served = self._waiting[:number]
        del self._waiting[:number]
        for each in served:
            self._hold(each.slots)
            each.served.succeed()
        if served and not self._waiting and self._world.now:
            self.used_while_waited_for = self.slot_seconds_until_now / (self.limit * self._world.now)

    def _hold(self, slots: int) -> None:
        self._slot_seconds = self.slot_seconds_until_now
        self._since = self._world.now
        self.held += slots
