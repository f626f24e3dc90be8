"""``python -m benchmarks.modelling.waiting --slots 9 --rate 0.2``: predicts how long tasks wait for slots."""

from __future__ import annotations

import argparse
from dataclasses import fields

from benchmarks.modelling.waiting.arrivals import burst, mix_of, poisson
from benchmarks.modelling.waiting.simulation import percentiles, simulate
from benchmarks.modelling.waiting.stages import Stages, capacity


def main() -> None:
    """Simulate the load that the command line gives, and print the waits."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.modelling.waiting", description=__doc__)
    parser.add_argument("--slots", type=int, default=9, help="the provider's slots, ProviderSlots (default 9)")
    parser.add_argument("--rate", type=float, help="tasks a second, on average; without it, all at once")
    parser.add_argument("--count", type=int, default=2_000, help="how many tasks (default 2,000)")
    parser.add_argument("--callers", type=int, default=1, help="how many callers create them (default 1)")
    parser.add_argument("--n-mix", type=mix_of, default={1: 1}, help="images of a task, as in 1:3,4:1 (default 1)")
    parser.add_argument("--seed", type=int, default=1)
    stages = parser.add_argument_group("stages", "seconds, except spread")
    for stage in fields(Stages):
        described = f"{stage.metadata['what']} (default {stage.default:g})"
        stages.add_argument(f"--{stage.name}", type=float, default=stage.default, help=described)
    asked = parser.parse_args()
    _print_waits(asked, Stages(**{stage.name: getattr(asked, stage.name) for stage in fields(Stages)}))


def _print_waits(asked: argparse.Namespace, stages: Stages) -> None:
    if asked.rate:
        arrivals = poisson(asked.rate, asked.count, asked.n_mix, seed=asked.seed, callers=asked.callers)
    else:
        arrivals = burst(asked.count, asked.n_mix, seed=asked.seed)
    outcome = simulate(arrivals, stages, asked.slots, seed=asked.seed)
    print(f"{asked.count} tasks in {outcome.makespan:,.0f} s, at most {outcome.longest_queue} in the queue")
    at_most = capacity(stages, asked.n_mix, asked.slots)
    print(f"slots held: {outcome.used:.0%}; all slots are always held at {at_most:.3f} tasks a second")
    for name, values in (
        ("until the provider has the task", outcome.waits),
        ("until its images are stored", outcome.totals),
    ):
        print(f"{name}: p50 {{:,.1f}} s, p95 {{:,.1f}} s, p99 {{:,.1f}} s".format(*percentiles(values)))


if __name__ == "__main__":
    main()
