"""How long an execution can poll or wait before its history reaches the quota of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import workflow
from benchmarks.data.quotas import quotas


def events_of(path: Sequence[str]) -> int:
    """Return the history events that Step Functions writes for one way through some states."""
    return sum(_events_of_state(workflow.states()[name]) for name in path)


def _events_of_state(state: Mapping[str, Any]) -> int:
    if state["Type"] != "Task":
        return 2  # Entered, exited.
    # Entered, scheduled, started, succeeded, exited; also submitted if the state waits for a token.
    return 6 if state["Resource"].endswith(".waitForTaskToken") else 5


def seconds_until_full(path: Sequence[str], every_s: float, used: int) -> float:
    """Return how long an execution can repeat a round before its history is full.

    Args:
        path: The states of one round.
        every_s: Seconds of a round.
        used: Events that the rest of the execution takes.
    """
    rounds = (quotas()["history_events"].large - used) // events_of(path)
    return rounds * every_s
