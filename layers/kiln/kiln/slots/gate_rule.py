"""When the gate of a provider account closes, and which task may probe while it is closed: the rule alone.

While the provider is away or refuses the account, one task probes and the others wait without calls. The gate says
which. Times are in milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

FAILURES = 5
"""So many failures in a row, of whichever tasks, close the gate. A provider that fails 40 % of calls stays in reach."""

FIRST_PROBE_SECONDS = 2
LAST_PROBE_SECONDS = 20
"""The longest time between two probes. Less than 30 s, so that every slot is busy 30 s after an outage."""

LEASE_SECONDS = 70
"""So long a probe may take: longer than its function may."""

GRACE_SECONDS = 10
"""A probe that is so late is another task's: its prober has stopped."""

UNNOTICED_SECONDS = 15
"""A task that has opened the gate wakes the others within this time, unless it has crashed."""

LONG_SECONDS = 7_200
"""An outage of this length is the reconciler's to probe: sooner than one task alone may have used up its probes."""

LATE_SHARE = 20
"""A task with many probes behind it is asked again after this part of the time that the gate has been closed."""


class Lesson(StrEnum):
    """The state of the provider that one call or attempt shows."""

    PASSED = "passed"
    """It works: it took the task, or it judged this task alone."""

    ANSWERED = "answered"
    """It answers, but it may still refuse the account."""

    AWAY = "away"
    """It cannot be reached, or answers with an internal error."""

    REFUSED = "refused"
    """It refuses the account, and so every task."""


@dataclass(frozen=True)
class GateState:
    """The gate as its item records it.

    Attributes:
        failures: How many calls failed in a row.
        closed_at: When the gate closed; 0 while it is open.
        is_refused: Whether it closed, or stays closed, because the provider refuses the account.
        reason: The last failure, in words.
        prober: The task that probes.
        probe_at: When its next probe is due. During a probe, when its lease ends.
        probes: How many probes failed.
        opened_at: When the gate opened, until all waiting tasks are woken; else 0.
    """

    failures: int = 0
    closed_at: int = 0
    is_refused: bool = False
    reason: str = ""
    prober: str = ""
    probe_at: int = 0
    probes: int = 0
    opened_at: int = 0

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> GateState:
        """The state that an item of the table says."""

        def number(name: str) -> int:
            return int(item.get(name, {}).get("N", "0"))

        return cls(
            failures=number("failures"),
            closed_at=number("closed_at"),
            is_refused=bool(item.get("is_refused", {}).get("BOOL", False)),
            reason=str(item.get("reason", {}).get("S", "")),
            prober=str(item.get("prober", {}).get("S", "")),
            probe_at=number("probe_at"),
            probes=number("probes"),
            opened_at=number("opened_at"),
        )

    def may_probe(self, task_id: str, now: int) -> bool:
        """Whether a task may probe the closed gate: the prober at any time, another one if the prober has stopped."""
        return task_id == self.prober or self.is_neglected(now)

    def is_neglected(self, now: int) -> bool:
        """Whether the gate is closed and its prober has stopped."""
        return self.closed_at > 0 and now >= self.probe_at + GRACE_SECONDS * 1_000

    def keeps_out(self, now: int) -> bool:
        """Whether the provider refuses the account, and no probe is due that a new task could make."""
        return self.closed_at > 0 and self.is_refused and not self.is_neglected(now)

    def is_long(self, now: int) -> bool:
        """Whether the provider has been away for so long that the reconciler probes."""
        return self.is_away and now - self.closed_at >= LONG_SECONDS * 1_000

    @property
    def is_away(self) -> bool:
        """Whether the gate is closed, and a look-up that is answered opens it."""
        return self.closed_at > 0 and not self.is_refused

    def is_due_again(self, now: int) -> bool:
        """The same for a task that has many probes behind it: a history has an end, so it probes seldom."""
        return self.is_neglected(now) and now - self.probe_at >= (now - self.closed_at) // LATE_SHARE

    def is_unnoticed(self, now: int) -> bool:
        """Whether the gate has opened and the task that opened it has stopped before it woke the others."""
        return self.opened_at > 0 and now >= self.opened_at + UNNOTICED_SECONDS * 1_000

    def closes(self, lesson: Lesson) -> bool:
        """Whether the gate is to be closed after this last lesson."""
        return not self.closed_at and (lesson is Lesson.REFUSED or self.failures >= FAILURES)

    def opens(self, lesson: Lesson) -> bool:
        """Whether a probe with this lesson opens the gate."""
        return lesson is Lesson.PASSED or (lesson is Lesson.ANSWERED and not self.is_refused)


def probe_seconds(probes: int) -> int:
    """How long to wait for the next probe after so many failed ones: 2 s at first, half as long again each time."""
    return int(min(FIRST_PROBE_SECONDS * 1.5 ** min(probes, 20), LAST_PROBE_SECONDS))
