"""Counts what the simulated provider was asked and what it did, for tests to hold against what they expect."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from local.provider.tasks import Order


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
        """Notes that a task was really made: what the account will be charged for."""
        self.generated += 1
        if order.external_task_id:
            self.by_external_id[order.external_task_id] += 1

    def reset(self) -> None:
        """Starts counting from zero."""
        self.creates = self.refused = self.generated = self.queries = self.callbacks_sent = 0
        self.by_external_id.clear()

    def as_answer(self) -> dict[str, int | dict[str, int]]:
        """The counts as the control interface answers them."""
        return {
            "creates": self.creates,
            "refused": self.refused,
            "generated": self.generated,
            "queries": self.queries,
            "callbacks_sent": self.callbacks_sent,
            "by_external_id": dict(self.by_external_id),
        }
