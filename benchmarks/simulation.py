"""``python -m benchmarks.simulation --slots 9 --rate 0.2``: predicts waiting times from arrivals, slots, stage times.

Of AWS nothing is simulated but the time it takes: how long a task waits is decided by the provider's slots.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import simpy

from benchmarks.line import Line


@dataclass(frozen=True)
class Stages:
    """Seconds that the parts of a task's way take.

    Attributes:
        accepting: From its acceptance to its reaching for slots.
        dispatching: From having its slots to the provider's having the task.
        generating: At the provider, on average.
        spread: How uneven that is: standard deviation over mean, of a lognormal distribution; 0 for always the same.
        noticing: From the provider's end to the workflow's knowing: a callback's way, or half the timer.
        collecting: Copying the images and writing it down.
        leaving: From there to the slots' being dealt out.
        waking: From being handed slots to being on the way to the provider.
    """

    accepting: float = 0.5
    dispatching: float = 0.7
    generating: float = 24.0
    spread: float = 0.0
    noticing: float = 0.5
    collecting: float = 1.5
    leaving: float = 0.2
    waking: float = 0.3

    def generation(self, dice: random.Random) -> float:
        """How long one generation takes."""
        if not self.spread:
            return self.generating
        variance = math.log(1 + self.spread**2)
        return dice.lognormvariate(math.log(self.generating) - variance / 2, math.sqrt(variance))

    @property
    def holding(self) -> float:
        """How long a task that was in line has its slots, on average: they are its own from when they were dealt."""
        return self.waking + self.dispatching + self.generating + self.noticing + self.collecting + self.leaving


@dataclass(frozen=True)
class Arrival:
    """A task that is accepted.

    Attributes:
        at: When, in seconds.
        n: How many images.
        caller: Whose it is.
    """

    at: float
    n: int = 1
    caller: str = "one"


@dataclass
class Outcome:
    """What became of the tasks.

    Attributes:
        waits: From a task's acceptance to the provider's having it.
        totals: From its acceptance to its last image in place.
        waits_of: The waits by caller.
        makespan: From the first acceptance to the last image.
        used: Which share of the slots was held, until the last acceptance or, in a burst, until nobody waits any more.
        longest_line: The most tasks in line at once.
    """

    waits: list[float] = field(default_factory=list)
    totals: list[float] = field(default_factory=list)
    waits_of: dict[str, list[float]] = field(default_factory=dict)
    makespan: float = 0.0
    used: float = 0.0
    longest_line: int = 0


def simulate(arrivals: Iterable[Arrival], stages: Stages, slots: int, *, seed: int = 1) -> Outcome:
    """Lets every arrival run to its end.

    Args:
        arrivals: The tasks.
        stages: How long things take.
        slots: The provider's.
        seed: Of the generations' lengths.
    """
    tasks = sorted(arrivals, key=lambda arrival: arrival.at)
    world, dice, outcome = simpy.Environment(), random.Random(seed), Outcome()
    line = Line(world, slots)
    for arrival in tasks:
        world.process(_course(world, line, arrival, stages, dice, outcome))
    first, last = tasks[0].at, tasks[-1].at
    if last > first:
        world.run(until=last)
        outcome.used = line.slot_seconds_until_now / (slots * (last - first))
    world.run()
    if last == first:
        outcome.used = line.used_while_waited_for
    outcome.longest_line = line.longest
    outcome.makespan = world.now - first
    return outcome


def _course(
    world: simpy.Environment, line: Line, arrival: Arrival, stages: Stages, dice: random.Random, outcome: Outcome
) -> Generator[simpy.Event, Any, None]:
    yield world.timeout(arrival.at)
    turn = line.admit(arrival.caller, arrival.n)
    yield world.timeout(stages.accepting)
    has_waited = yield from line.take(turn, arrival.n)
    yield world.timeout(stages.dispatching + (stages.waking if has_waited else 0))
    outcome.waits.append(world.now - arrival.at)
    outcome.waits_of.setdefault(arrival.caller, []).append(world.now - arrival.at)
    yield world.timeout(stages.generation(dice) + stages.noticing + stages.collecting)
    outcome.totals.append(world.now - arrival.at)
    yield world.timeout(stages.leaving)
    line.leave(arrival.n)


def burst(count: int, mix: dict[int, int], *, seed: int = 1, caller: str = "one") -> Iterator[Arrival]:
    """So many tasks at once.

    Args:
        count: How many.
        mix: How often each ``n`` comes, against the others.
        seed: Of who has which ``n``.
        caller: Whose they are.
    """
    dice = random.Random(seed)
    for n in dice.choices(list(mix), list(mix.values()), k=count):
        yield Arrival(0.0, n, caller)


def poisson(rate: float, count: int, mix: dict[int, int], *, seed: int = 1, callers: int = 1) -> Iterator[Arrival]:
    """Tasks that come independently of each other.

    Args:
        rate: How many a second, on average.
        count: How many in all.
        mix: How often each ``n`` comes, against the others.
        seed: Of when they come, with which ``n``, and whose they are.
        callers: Among how many they are distributed.
    """
    dice, now = random.Random(seed), 0.0
    for n in dice.choices(list(mix), list(mix.values()), k=count):
        now += dice.expovariate(rate)
        yield Arrival(now, n, f"caller-{dice.randrange(callers)}")


def capacity(stages: Stages, mix: dict[int, int], slots: int) -> float:
    """Tasks a second at which the slots are always held: beyond it the line grows without end.

    Where sizes are mixed it is less by what is reserved for the large ones; the simulation says how much.
    """
    if len(mix) == 1:
        (n,) = mix
        return max(1, slots // n) / stages.holding
    mean = sum(n * weight for n, weight in mix.items()) / sum(mix.values())
    return slots / (mean * stages.holding)


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """The 50th, 95th and 99th."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


def mix_of(text: str) -> dict[int, int]:
    """``1:3,4:1`` is three of one image for each of four; ``2`` is two images always."""
    pairs = [part.partition(":") for part in text.split(",")]
    return {int(n): int(weight or 1) for n, _, weight in pairs}


def main() -> None:
    """Simulates what the command line asks for, and prints what comes of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--slots", type=int, default=9, help="the provider's, ProviderSlots (default 9)")
    parser.add_argument("--rate", type=float, help="tasks a second that come on average; a burst without it")
    parser.add_argument("--count", type=int, default=2_000, help="how many tasks (default 2,000)")
    parser.add_argument("--callers", type=int, default=1, help="among how many they are distributed")
    parser.add_argument("--n-mix", type=mix_of, default={1: 1}, help="images of a task, as in 1:3,4:1 (default 1)")
    parser.add_argument("--seed", type=int, default=1)
    for stage in fields(Stages):
        parser.add_argument(f"--{stage.name}", type=float, default=stage.default, help=f"(default {stage.default:g})")
    asked = parser.parse_args()
    stages = Stages(**{stage.name: getattr(asked, stage.name) for stage in fields(Stages)})
    if asked.rate:
        arrivals = poisson(asked.rate, asked.count, asked.n_mix, seed=asked.seed, callers=asked.callers)
    else:
        arrivals = burst(asked.count, asked.n_mix, seed=asked.seed)
    outcome = simulate(arrivals, stages, asked.slots, seed=asked.seed)
    print(f"{asked.count} tasks in {outcome.makespan:,.0f} s, {outcome.longest_line} in line at most")
    at_most = capacity(stages, asked.n_mix, asked.slots)
    print(f"slots held: {outcome.used:.0%}; all of them always at {at_most:.3f} tasks a second")
    for name, values in (("until the provider has it", outcome.waits), ("until its images are there", outcome.totals)):
        print(f"{name}: p50 {{:,.1f}} s, p95 {{:,.1f}} s, p99 {{:,.1f}} s".format(*percentiles(values)))


if __name__ == "__main__":
    main()
