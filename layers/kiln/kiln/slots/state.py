"""The item of the slots, as read at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kiln.slots.hand_over import is_reserved, is_throttled, task_holders
from kiln.slots.pools import account_of


@dataclass(frozen=True)
class SlotState:
    """The content of the slots' item.

    Attributes:
        names: Every slot that is in use, by a task or by none.
        paused_at: When dispatch was paused, in milliseconds since the epoch; 0 while tasks may acquire slots.
        virtual_time: The turn of the task that acquired slots last.
        closed: The accounts that the provider refuses, while no probe is due.
    """

    names: frozenset[str] = frozenset()
    paused_at: int = 0
    virtual_time: int = 0
    closed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, item: Mapping[str, Any], closed: frozenset[str] = frozenset()) -> SlotState:
        """The state that an item of the table says."""
        return cls(
            names=frozenset(item.get("holders", {}).get("SS", [])),
            paused_at=int(item.get("paused_at", {}).get("N", "0")),
            virtual_time=int(item.get("virtual_time", {}).get("N", "0")),
            closed=closed,
        )

    def is_held_by(self, task_id: str) -> bool:
        """Whether a task holds its slots; it holds all of them, or none."""
        return self.account_of(task_id) is not None

    def account_of(self, task_id: str) -> str | None:
        """The account at which a task holds its slots; ``None`` if it holds none."""
        first = f"{task_id}#0"
        return next((account_of(name) for name in self.names if name.partition("@")[0] == first), None)

    def at(self, account: str) -> SlotState:
        """The slots of one account."""
        return replace(self, names=frozenset(name for name in self.names if account_of(name) == account))

    @property
    def tasks(self) -> list[str]:
        """The ids of the tasks that hold slots."""
        return task_holders(self.names)

    @property
    def accounts(self) -> set[str]:
        """The accounts at which slots are in use."""
        return set(map(account_of, self.names))

    @property
    def held(self) -> int:
        """How many slots tasks hold."""
        return len(self.names) - self.throttled - self.reserved

    @property
    def throttled(self) -> int:
        """How many slots are not used for a while, as the provider was full below our limit."""
        return sum(is_throttled(name) for name in self.names)

    @property
    def reserved(self) -> int:
        """How many slots are reserved for the first task of the queue."""
        return sum(is_reserved(name) for name in self.names)
