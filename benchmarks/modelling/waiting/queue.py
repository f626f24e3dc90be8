"""The provider's slots and the queue for them, in simulated time, by the rules of ``kiln.slots`` and admission.

A task acquires slots only if all ``n`` are free. A task that ends hands its slots over to the next tasks in the queue.
A caller's next task gets a turn ``n`` after the caller's last one, but never before the turn that is served now.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Generator, Mapping
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
        n: How many images it has.
        served: The event of getting its slots.
    """

    turn: int
    order: int
    n: int = field(compare=False)
    served: simpy.Event = field(compare=False, repr=False)


class SlotQueue:
    """The slots of the provider's accounts, and the queue for them.

    Args:
        world: The simulation.
        limit: How many slots an account has.
        accounts: How many accounts there are.

    Attributes:
        held: How many slots of each account are held now.
        reserved: How many are kept for the first task in the queue.
        longest: The most tasks in the queue at once.
        used_while_waited_for: The share of slots held from the start until the queue was last empty again.
    """

    def __init__(self, world: simpy.Environment, limit: int, accounts: int = 1) -> None:
        self._world = world
        self.held = {Pool(limit, f"account-{number}"): 0 for number in range(accounts)}
        self.reserved: dict[Pool, int] = {}
        self._waiting: list[Waiting] = []
        self._virtual_time = 0
        self._last_turn: dict[str, int] = {}
        self._entered = 0
        self._since = 0.0
        self._slot_seconds = 0.0
        self.longest = 0
        self.used_while_waited_for = 0.0

    @property
    def limit(self) -> int:
        """How many slots there are."""
        return sum(pool.limit for pool in self.held)

    @property
    def slot_seconds_until_now(self) -> float:
        """How many slots were held, times how long."""
        return self._slot_seconds + sum(self.held.values()) * (self._world.now - self._since)

    def admit(self, caller: str, n: int) -> int:
        """Return the turn of a caller's next task."""
        turn = max(self._last_turn.get(caller, 0), self._virtual_time) + n
        self._last_turn[caller] = turn
        return turn

    def acquire(self, turn: int, n: int) -> Generator[simpy.Event, Any, tuple[Pool, bool]]:
        """Acquire a task's slots; wait in the queue if they are not free.

        Returns:
            The account's pool, and whether the task had to wait.
        """
        pool = hand_over.choose(self._free(self.reserved), n)
        if pool:
            self._hold(pool, n)
            self._virtual_time = turn
            return pool, False
        self._entered += 1
        waiting = Waiting(turn, self._entered, n, self._world.event())
        bisect.insort(self._waiting, waiting)
        self.longest = max(self.longest, len(self._waiting))
        pool = yield waiting.served
        self._virtual_time = turn
        return pool, True

    def release(self, pool: Pool, n: int) -> None:
        """Release a task's slots, and hand over what is then free."""
        self._hold(pool, n, -1)
        needs = (hand_over.Waiting(str(each.order), each.n) for each in self._waiting)
        given, self.reserved = hand_over.serve(self._free({}), needs)
        served = list(itertools.islice((each for each in self._waiting if str(each.order) in given), len(given)))
        for each in served:
            self._waiting.remove(each)
            self._hold(given[str(each.order)], each.n)
            each.served.succeed(given[str(each.order)])
        if served and not self._waiting and self._world.now:
            self.used_while_waited_for = self.slot_seconds_until_now / (self.limit * self._world.now)

    def _free(self, reserved: Mapping[Pool, int]) -> dict[Pool, int]:
        return {pool: pool.limit - held - reserved.get(pool, 0) for pool, held in self.held.items()}

    def _hold(self, pool: Pool, n: int, sign: int = 1) -> None:
        self._slot_seconds = self.slot_seconds_until_now
        self._since = self._world.now
        self.held[pool] += sign * min(n, pool.limit)
