"""When tasks are accepted: all at once, or independently of each other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Arrival:
    """A task that is accepted.

    Attributes:
        at: When, in seconds.
        n: How many images.
        caller: Who created it.
    """

    at: float
    n: int = 1
    caller: str = "one"


def burst(count: int, mix: dict[int, int], *, seed: int = 1, caller: str = "one") -> Iterator[Arrival]:
    """Yield ``count`` tasks at once.

    Args:
        count: How many.
        mix: How often each ``n`` occurs, relative to the others.
        seed: For the choice of ``n``.
        caller: Who created them.
    """
    dice = random.Random(seed)
    for n in dice.choices(list(mix), list(mix.values()), k=count):
        yield Arrival(0.0, n, caller)


def poisson(rate: float, count: int, mix: dict[int, int], *, seed: int = 1, callers: int = 1) -> Iterator[Arrival]:
    """Yield tasks that arrive independently of each other.

    Args:
        rate: Tasks a second, on average.
        count: How many in all.
        mix: How often each ``n`` occurs, relative to the others.
        seed: For the times, the choice of ``n``, and the callers.
        callers: How many callers create them.
    """
    dice, now = random.Random(seed), 0.0
    for n in dice.choices(list(mix), list(mix.values()), k=count):
        now += dice.expovariate(rate)
        yield Arrival(now, n, f"caller-{dice.randrange(callers)}")


def mix_of(written: str) -> dict[int, int]:
    """Read a mix: ``1:3,4:1`` is three tasks of one image for each task of four; ``2`` is always two images."""
    pairs = [part.partition(":") for part in written.split(",")]
    return {int(n): int(weight or 1) for n, _, weight in pairs}
