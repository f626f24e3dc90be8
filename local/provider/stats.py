"""Counts requests, tasks and callbacks, for tests to compare with what they expect."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from local.provider.tasks.task import Order


@dataclass
class Stats:
    """The counts since the start or the last reset."""

    creates: int = 0
    refused: int = 0
    generated: int = 0
    queries: int = 0
    callbacks_sent: int = 0
    by_external_id: Counter[str] = field(default_factory=Counter)

    def count_generated(self, order: Order) -> None:
        """Counts a task that was created: the account is charged for it."""
        self.generated += 1
        if order.external_task_id:
            self.by_external_id[order.external_task_id] += 1

    def reset(self) -> None:
        """Sets every count to zero."""
        self.creates = self.refused = self.generated = self.queries = self.callbacks_sent = 0
        self.by_external_id.clear()

    def as_answer(self) -> dict[str, int | dict[str, int]]:
        """The counts as the control API shows them."""
        return {
            "creates": self.creates,
            "refused": self.refused,
            "generated": self.generated,
            "queries": self.queries,
            "callbacks_sent": self.callbacks_sent,
            "by_external_id": dict(self.by_external_id),
        }
