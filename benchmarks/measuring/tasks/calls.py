"""AWS requests, transitions and invocations of one task, counted from a recording; and what a long queue adds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.data.counts import Counts
from benchmarks.data.figure import Figure
from benchmarks.measuring.recording.recorder import recorder

QUEUE = 1_000
"""Tasks in the long queue."""


def measure_calls() -> Iterator[Figure]:
    """Record one task alone, by callback and by timer, and two of which one waits, without and with a queue behind."""
    with recorder() as stack:
        alone = {
            (n, by_timer): stack.warm(partial(stack.api_task, n, by_timer=by_timer, webhook=False))
            for n in (1, 9)
            for by_timer in (False, True)
        }
        short = stack.warm(stack.waiting_task)
        with stack.queue_of(QUEUE):
            long = stack.warm(stack.waiting_task)
    for (n, by_timer), counts in alone.items():
        first = alone[1, by_timer]
        yield Figure(
            f"AWS requests of a task, n = {n}, by {'timer' if by_timer else 'callback'}",
            _described(counts),
            "n = 1" if n > 1 else "",
            float(counts.aws_requests) if n == 1 else counts.aws_requests / first.aws_requests,
        )
    yield Figure(
        f"AWS requests, states and invocations of two tasks, one waiting, in a queue of {QUEUE:,}",
        _described(long),
        f"{_described(short)}: no other task in the queue",
        max(after / before for after, before in zip(_parts(long), _parts(short), strict=True)),
        1.0,
    )
    yield Figure(
        f"read units of the same, in a queue of {QUEUE:,}",
        f"{sum(long.read_units.values()):g}",
        f"{sum(short.read_units.values()):g}: no other task in the queue",
        sum(long.read_units.values()) / sum(short.read_units.values()),
        # A read of what is kept for a second is half a unit, more or less. A queue that was read would be hundreds.
        1.1,
    )


def _parts(counts: Counts) -> tuple[int, int, int]:
    # Whether a token is also sent to a workflow that has already continued depends on chance. So does how often a
    # process reads what it keeps for a second. The units of all reads are a separate figure.
    by_chance = sum(counts.requests.get(name, 0) for name in ("stepfunctions.SendTaskSuccess", "dynamodb.GetItem"))
    return counts.aws_requests - by_chance, sum(counts.transitions.values()), counts.invocations


def _described(counts: Counts) -> str:
    transitions = sum(counts.transitions.values())
    return f"{counts.aws_requests} requests, {transitions} transitions, {counts.invocations} invocations"
