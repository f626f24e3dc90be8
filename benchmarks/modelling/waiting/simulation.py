"""Runs tasks through the queue in simulated time. AWS contributes only the time it takes; the slots decide the wait."""

from __future__ import annotations

import random
import statistics
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

import simpy

from benchmarks.modelling.waiting.arrivals import Arrival
from benchmarks.modelling.waiting.queue import SlotQueue
from benchmarks.modelling.waiting.stages import Stages


@dataclass
class Outcome:
    """Results of a simulation, in seconds.

    Attributes:
        waits: From a task's acceptance until the provider has it.
        totals: From a task's acceptance until its last image is stored.
        waits_of: The waits by caller.
        makespan: From the first acceptance to the last image.
        used: The share of slots held until the last acceptance; for a burst, until no task waits any more.
        longest_queue: The most tasks in the queue at once.
    """

    waits: list[float] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)
    waits_of: dict[str, list[float]] = field(default_factory=dict)
    makespan: float = 0.0
    used: float = 0.0
    longest_queue: int = 0


def simulate(arrivals: Iterable[Arrival], stages: Stages, slots: int, *, seed: int = 1, accounts: int = 1) -> Outcome:
    """Run every arrival to its end.

    Args:
        arrivals: The tasks.
        stages: How long the parts of a task take.
        slots: How many an account has at the provider.
        seed: For the durations of generations.
        accounts: How many accounts there are.
    """
    tasks = sorted(arrivals, key=lambda arrival: arrival.at)
    world, dice, outcome = simpy.Environment(), random.Random(seed), Outcome()
    queue = SlotQueue(world, slots, accounts)
    for arrival in tasks:
        world.process(_task(world, queue, arrival, stages, dice, outcome))
    first, last = tasks[0].at, tasks[-1].at
    if last > first:
        world.run(until=last)
        outcome.used = queue.slot_seconds_until_now / (queue.limit * (last - first))
    world.run()
    if last == first:
        outcome.used = queue.used_while_waited_for
    outcome.longest_queue = queue.longest
    outcome.makespan = world.now - first
    return outcome


def _task(
    world: simpy.Environment,
    queue: SlotQueue,
    arrival: Arrival,
    stages: Stages,
    dice: random.Random,
    outcome: Outcome,
) -> Generator[simpy.Event, Any, None]:
    """Run one task from its acceptance to its last image."""
    yield world.timeout(arrival.at)
    turn = queue.admit(arrival.caller, arrival.n)
    yield world.timeout(stages.accepting)
    pool, has_waited = yield from queue.acquire(turn, arrival.n)
    yield world.timeout(stages.dispatching + (stages.waking if has_waited else 0))
    outcome.waits.append(world.now - arrival.at)
    outcome.waits_of.setdefault(arrival.caller, []).append(world.now - arrival.at)
    yield world.timeout(stages.generation(dice) + stages.noticing + stages.leaving)
    # Poll hands the slots over before any image is copied.
    queue.release(pool, arrival.n)
    yield world.timeout(stages.collecting)
    outcome.totals.append(world.now - arrival.at)


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """Return the 50th, 95th and 99th percentile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]
