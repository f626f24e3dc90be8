"""Counts requests, tasks and callbacks, for tests to compare with what they expect."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from local.provider.tasks.task import Order


@dataclass
class AccountStats:
    """The counts of one account."""

    creates: int = 0
    generated: int = 0
    refused: int = 0


@dataclass
class Stats:
    """The counts since the start or the last reset."""

    creates: int = 0
    refused: int = 0
    generated: int = 0
    queries: int = 0
    callbacks_sent: int = 0
    by_external_id: Counter[str] = field(default_factory=Counter)
    by_account: dict[str, AccountStats] = field(default_factory=dict)

    def count_create(self, account: str | None) -> None:
        """Counts a create request; it has no account if its key is unknown."""
        self.creates += 1
        if account is not None:
            self.by_account[account].creates += 1

    def count_refused(self, account: str | None) -> None:
        """Counts a request that was refused because there were too many, or too many tasks."""
        self.refused += 1
        if account is not None:
            self.by_account[account].refused += 1

    def count_generated(self, order: Order, account: str) -> None:
        """Counts a task that was created: the account is charged for it."""
        self.generated += 1
        self.by_account[account].generated += 1
        if order.external_task_id:
            self.by_external_id[order.external_task_id] += 1

    def reset(self) -> None:
        """Sets every count to zero."""
        self.creates = self.refused = self.generated = self.queries = self.callbacks_sent = 0
        self.by_external_id.clear()
        self.by_account = {name: AccountStats() for name in self.by_account}

    def as_answer(self) -> dict[str, Any]:
        """The counts as the control API shows them."""
        return {
            "creates": self.creates,
            "refused": self.refused,
            "generated": self.generated,
            "queries": self.queries,
            "callbacks_sent": self.callbacks_sent,
            "by_external_id": dict(self.by_external_id),
            "by_account": {name: asdict(counts) for name, counts in self.by_account.items()},
        }
