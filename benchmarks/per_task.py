"""AWS requests, transitions and Lambda invocations of one task, counted from a recording; and what a line adds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.counts import Counts
from benchmarks.figure import Figure
from benchmarks.recording import recorder

LINE = 1_000


def measure_calls() -> Iterator[Figure]:
    """One task alone, by callback and by timer; and two of which one waits, with and without a line behind them."""
    with recorder() as stack:
        alone = {
            (n, by_timer): stack.warm(partial(stack.api_task, n, by_timer=by_timer, webhook=False))
            for n in (1, 9)
            for by_timer in (False, True)
        }
        short = stack.warm(stack.waiting_task)
        with stack.line_of(LINE):
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
        f"AWS requests, states and invocations of two tasks, one waiting, in a line of {LINE:,}",
        _described(long),
        f"{_described(short)}: nobody else in line",
        max(after / before for after, before in zip(_parts(long), _parts(short), strict=True)),
        1.0,
    )
    yield Figure(
        f"read units of the same, in a line of {LINE:,}",
        f"{sum(long.read_units.values()):g}",
        f"{sum(short.read_units.values()):g}: nobody else in line",
        sum(long.read_units.values()) / sum(short.read_units.values()),
        1.0,
    )


def invocations(counts: Counts) -> int:
    """How many times any function was called."""
    return sum(work.invocations for work in counts.work.values())


def _parts(counts: Counts) -> tuple[int, int, int]:
    # A token that is handed in for a workflow that has gone on already is a matter of chance: it is left out.
    by_chance = counts.requests.get("stepfunctions.SendTaskSuccess", 0)
    return counts.aws_requests - by_chance, sum(counts.transitions.values()), invocations(counts)


def _described(counts: Counts) -> str:
    transitions = sum(counts.transitions.values())
    return f"{counts.aws_requests} requests, {transitions} transitions, {invocations(counts)} invocations"
