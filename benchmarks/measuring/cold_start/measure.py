"""``python -m benchmarks.measuring.cold_start.measure``: each function's cold start beside one bare SDK client."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.data import expected_instructions
from benchmarks.data.figure import Figure
from benchmarks.measuring.callgrind import count
from benchmarks.measuring.cold_start.functions import INVOKE, STARTS, Start
from benchmarks.measuring.cold_start.lambda_environment import (
    bare_python,
    environment,
    isolated,
    native_build,
    reference_libraries,
)
from benchmarks.measuring.cold_start.stand_in import stand_in

TOLERANCE = 0.03
"""Counts differ a little between machines, because other CPUs take other paths through the C library."""

_REFERENCE = 'import boto3; boto3.client("dynamodb")'


@dataclass(frozen=True)
class ColdStart:
    """A measured cold start. Both counts are instructions beyond the bare interpreter's."""

    start: Start
    measured: int
    reference: int

    @property
    def ratio(self) -> float:
        """Measured divided by reference."""
        return round(self.measured / self.reference, 3)


def measure_cold_starts() -> Iterator[Figure]:
    """Measure all functions, for ``make bench``."""
    for each in measure():
        name = f"cold start of {each.start.function}: initialisation + first invocation, instructions"
        measured, reference = (f"{number / 1e6:,.0f} million" for number in (each.measured, each.reference))
        yield Figure(name, measured, f"{reference}: import boto3, one client", each.ratio, each.start.goal)


def measure(only: Collection[str] = (), *, sampled: bool = False) -> list[ColdStart]:
    """Measure functions of the build for this machine.

    Args:
        only: Names of functions; all if empty.
        sampled: Whether X-Ray samples the invocation.
    """
    build, python = native_build(), bare_python()
    starts = [each for each in STARTS if not only or each.function in only]
    layer = build / "KilnLayer"
    with stand_in() as address, reference_libraries(python) as whole, ThreadPoolExecutor(os.cpu_count()) as pool:
        bare = pool.submit(count, isolated(python, "pass"), environment(layer, address))
        sdk = pool.submit(count, isolated(python, _REFERENCE), environment(whole, address))
        counts = {
            each: pool.submit(
                count,
                isolated(python, INVOKE, str(build / each.folder), json.dumps(each.payload())),
                environment(layer, address, sampled=sampled),
            )
            for each in starts
        }
        reference = sdk.result() - bare.result()
        return [ColdStart(each, counted.result() - bare.result(), reference) for each, counted in counts.items()]


def main() -> int:
    """Print the ratios. ``--check`` compares them with the expected ones, ``--write`` replaces those."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measuring.cold_start.measure", description=__doc__)
    parser.add_argument("functions", nargs="*", help="all if none is given")
    parser.add_argument("--sampled", action="store_true", help="with a trace for X-Ray")
    expected_instructions.add_arguments(parser)
    arguments = parser.parse_args()
    measured = measure(arguments.functions, sampled=arguments.sampled)
    goals = {each.start.function: each.start.goal for each in measured}
    return expected_instructions.compare(
        "cold_start",
        {each.start.function: each.ratio for each in measured},
        arguments,
        tolerance=TOLERANCE,
        line=lambda name, ratio: f"{name:10} {ratio:.3f}  (goal {goals[name]})",
    )


if __name__ == "__main__":
    sys.exit(main())
