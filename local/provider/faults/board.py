"""Holds the faults in force, and decides by chance whether one strikes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from kiln.errors import InvalidRequest
from local.provider.faults.answers import BodyChange, ImageBytesChange
from local.provider.faults.settings import AccountFaults, Faults


class Allowance:
    """How many random faults may still strike; ``None`` for any number. Accounts may share one."""

    def __init__(self, left: int | None) -> None:
        self._left = left

    def take(self) -> bool:
        """Whether one more may strike."""
        if self._left is None:
            return True
        self._left -= 1
        return self._left >= 0


class FaultBoard:
    """Holds one account's faults; setting them replaces all of them.

    Args:
        seed: Makes random faults repeatable.
        account: Makes them differ between accounts; empty for the first.

    Attributes:
        now: The faults in force.
        struck: How many random faults have struck since then.
    """

    def __init__(self, seed: int | None = None, account: str = "") -> None:
        self._account = account
        self._seed = seed
        self._random = random.Random(self._seeded(seed))  # noqa: S311 - chance in a simulation, not a secret
        self.struck = 0
        self.now = AccountFaults()
        self._allowance = Allowance(None)
        self._changed: Counter[str] = Counter()

    def replace(self, faults: AccountFaults, allowance: Allowance) -> None:
        """Puts these faults in force, and no others. With the same seed, chance repeats itself."""
        self.now = faults
        self.struck = 0
        self._allowance = allowance
        self._changed.clear()
        seed = self._seed if faults.seed is None else faults.seed
        if seed is not None:
            self._random.seed(self._seeded(seed))

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
        if self._random.random() >= probability or not self._allowance.take():
            return False
        self.struck += 1
        return True

    def one_of(self, choices: tuple[int, ...]) -> int:
        """Picks one of several ways to go wrong."""
        return self._random.choice(choices)

    def up_to(self, most: float) -> float:
        """A random length of time."""
        return self._random.uniform(0, most)

    def _seeded(self, seed: int | None) -> int | str | None:
        return seed if seed is None or not self._account else f"{seed} {self._account}"


class FaultBoards:
    """The faults of every account.

    Args:
        accounts: The accounts' names.
        seed: Makes random faults repeatable.

    Attributes:
        now: The faults in force, as they were set.
    """

    def __init__(self, accounts: Iterable[str], seed: int | None = None) -> None:
        self._boards = {name: FaultBoard(seed, name if place else "") for place, name in enumerate(accounts)}
        self.now = Faults()

    def of(self, account: str) -> FaultBoard:
        """One account's faults."""
        return self._boards[account]

    @property
    def struck(self) -> int:
        """How many random faults have struck in all accounts."""
        return sum(board.struck for board in self._boards.values())

    def replace(self, faults: Faults) -> None:
        """Puts these faults in force, and no others. ``at_most`` counts for all accounts without an own one.

        Raises:
            InvalidRequest: There is no account of a name.
        """
        for name in faults.accounts:
            if name not in self._boards:
                raise InvalidRequest(f"accounts.{name}: there is no such account; there are {', '.join(self._boards)}")
        shared = Allowance(faults.at_most)
        for name, board in self._boards.items():
            own = faults.accounts.get(name, AccountFaults())
            has_its_own = "at_most" in own.model_fields_set
            board.replace(faults.overridden_by(own), Allowance(own.at_most) if has_its_own else shared)
        self.now = faults
