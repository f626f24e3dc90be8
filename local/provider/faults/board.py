"""Holds the faults in force, and decides by chance whether one strikes."""

from __future__ import annotations

import random
from collections import Counter
from typing import Literal

from local.provider.faults.answers import Answers, BodyChange, ImageBytesChange
from local.provider.faults.settings import Faults


class FaultBoard:
    """Holds the faults in force; setting them replaces all of them.

    Attributes:
        now: The faults in force.
        struck: How many random faults have struck since then.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 - chance in a simulation, not a secret
        self.struck = 0
        self.now = Faults()
        self._changed: Counter[tuple[str, str | None]] = Counter()

    def replace(self, faults: Faults) -> None:
        """Puts these faults in force, and no others. With the same seed, chance repeats itself."""
        self.now = faults
        self.struck = 0
        self._changed.clear()
        seed = self._seed if faults.seed is None else faults.seed
        if seed is not None:
            self._random.seed(seed)

    def answers(self, prompt: str) -> Answers:
        """The odd answers about a task with this prompt."""
        return self.now.answers_by_prompt.get(prompt, self.now.answers)

    def body_change(self, operation: Literal["create", "query"], status: str, prompt: str = "") -> BodyChange | None:
        """The change of an answer about a task with this status, if there is one; it counts against ``times``."""
        change: BodyChange | None = getattr(self.answers(prompt), operation)
        return change if change and status in change.when and self._is_left(operation, prompt, change.times) else None

    def image_bytes_change(self, prompt: str = "") -> ImageBytesChange | None:
        """The change of a download, if there is one; it counts against ``times``."""
        change = self.answers(prompt).image_bytes
        return change if change and self._is_left("image_bytes", prompt, change.times) else None

    def _is_left(self, name: str, prompt: str, times: int | None) -> bool:
        counted = (name, prompt if prompt in self.now.answers_by_prompt else None)
        if self._changed[counted] == times:
            return False
        self._changed[counted] += 1
        return True

    def strikes(self, probability: float) -> bool:
        """Decides whether a fault of this probability strikes now; none does after ``at_most`` have."""
        if self._random.random() >= probability or self.struck == self.now.at_most:
            return False
        self.struck += 1
        return True

    def one_of(self, choices: tuple[int, ...]) -> int:
        """Picks one of several ways to go wrong."""
        return self._random.choice(choices)

    def up_to(self, most: float) -> float:
        """A random length of time."""
        return self._random.uniform(0, most)
