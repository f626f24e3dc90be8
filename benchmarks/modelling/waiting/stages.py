"""How long the parts of a task take, and the load that so many slots can carry."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field


def _seconds(default: float, what: str) -> float:
    """A stage with its default, and its description for the command line."""
    stage: float = field(default=default, metadata={"what": what})
    return stage


@dataclass(frozen=True)
class Stages:
    """Seconds that the parts of a task take. Each field's metadata says what it covers."""

    accepting: float = _seconds(0.5, "from the acceptance to the first attempt to acquire slots")
    dispatching: float = _seconds(0.7, "from acquiring slots until the provider has the task")
    generating: float = _seconds(24.0, "at the provider, on average")
    spread: float = _seconds(0.0, "standard deviation over mean of generating, lognormal; 0 for a constant time")
    noticing: float = _seconds(0.5, "from the provider's end until the workflow knows: a callback, or half the timer")
    leaving: float = _seconds(0.2, "from there until the slots are handed over")
    collecting: float = _seconds(1.5, "then copying the images and recording the result")
    waking: float = _seconds(0.3, "from getting slots in the queue until dispatching begins")

    def generation(self, dice: random.Random) -> float:
        """Draw the duration of one generation."""
        if not self.spread:
            return self.generating
        variance = math.log(1 + self.spread**2)
        return dice.lognormvariate(math.log(self.generating) - variance / 2, math.sqrt(variance))

    @property
    def holding(self) -> float:
        """How long a task that waited holds its slots, on average. It holds them from the hand-over on."""
        return self.waking + self.dispatching + self.generating + self.noticing + self.leaving


def capacity(stages: Stages, mix: dict[int, int], slots: int) -> float:
    """Return the tasks a second that keep all slots held. Above it the queue grows without end.

    A mix of sizes reaches less, because slots are reserved for large tasks. The simulation says how much less.

    Args:
        stages: How long a task holds its slots.
        mix: How often each ``n`` occurs, relative to the others.
        slots: How many there are.
    """
    if len(mix) == 1:
        (n,) = mix
        return max(1, slots // n) / stages.holding
    mean = sum(n * weight for n, weight in mix.items()) / sum(mix.values())
    return slots / (mean * stages.holding)
