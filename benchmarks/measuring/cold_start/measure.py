"""``python -m benchmarks.measuring.cold_start.measure``: each function's cold start beside one bare SDK client."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.data import expected_instructions
from benchmarks.data.figure import Figure
from benchmarks.measuring.callgrind import count_phases
from benchmarks.measuring.cold_start.functions import FIRST_INVOCATION_MS, Start
from benchmarks.measuring.cold_start.processes import Process, processes
from benchmarks.measuring.cold_start.runtime import MARK
from benchmarks.measuring.cold_start.timings import time_processes

TOLERANCE = 0.03
"""Counts differ a little between machines, because other CPUs take other paths through the C library."""

_REFERENCE = "import boto3, one client"


@dataclass(frozen=True)
class ColdStart:
    """A measured cold start, in instructions from the interpreter's start on, without its end."""

    start: Start
    initialisation: int
    first_invocation: int
    reference: int

    @property
    def ratio(self) -> float:
        """Initialisation and first invocation, divided by the reference."""
        return round((self.initialisation + self.first_invocation) / self.reference, 3)


def measure_cold_starts() -> Iterator[Figure]:
    """Measure all functions, for ``make bench``: instructions, then times of interleaved fresh processes."""
    for each in measure():
        first, both = each.first_invocation / 1e6, (each.initialisation + each.first_invocation) / 1e6
        yield Figure(
            f"cold start of {each.start.function}: instructions",
            f"{both:,.0f} million, of which {first:,.0f} are the first invocation",
            f"{each.reference / 1e6:,.0f} million: {_REFERENCE}",
            each.ratio,
            each.start.goal,
        )
    with processes() as measured:
        reference, times = time_processes(measured)
    for start, (initialisation, invocation) in times.items():
        wall = initialisation.wall + invocation.wall
        yield Figure(
            f"cold start of {start.function}: time of a fresh process",
            f"{wall:.0f} ms, of which {initialisation.wall:.0f} are initialisation (CPU {initialisation.cpu:.0f})",
            f"{reference.wall:.0f} ms: {_REFERENCE}",
            round(wall / reference.wall, 3),
        )
        yield Figure(
            f"first invocation of {start.function}: CPU",
            f"{invocation.cpu:.1f} ms",
            "",
            round(invocation.cpu, 1),
            FIRST_INVOCATION_MS,
        )


def measure(only: Collection[str] = (), *, sampled: bool = False) -> list[ColdStart]:
    """Count the instructions of functions of the build for this machine.

    Args:
        only: Names of functions; all if empty.
        sampled: Whether X-Ray samples the invocation.
    """
    with processes(only, sampled=sampled) as measured, ThreadPoolExecutor(os.cpu_count()) as pool:
        reference = pool.submit(_count, measured.reference)
        counts = {start: pool.submit(_count, process) for start, process in measured.functions.items()}
        _, sdk = reference.result()
        phases = {start: counted.result() for start, counted in counts.items()}
        return [ColdStart(start, initialisation, first, sdk) for start, (_, initialisation, first) in phases.items()]


def _count(process: Process) -> list[int]:
    """Return the instructions of the interpreter's start, of the initialisation, and of the invocation if any."""
    return count_phases(process.command, process.environment, mark=MARK)


def main() -> int:
    """Print the ratios. ``--check`` compares them with the expected ones, ``--write`` replaces those."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measuring.cold_start.measure", description=__doc__)
    parser.add_argument("functions", nargs="*", help="all if none is given")
    parser.add_argument("--sampled", action="store_true", help="with a trace for X-Ray")
    expected_instructions.add_arguments(parser)
    arguments = parser.parse_args()
    measured = {each.start.function: each for each in measure(arguments.functions, sampled=arguments.sampled)}

    def line(name: str, ratio: float) -> str:
        each = measured[name]
        phases = f"{each.initialisation / each.reference:.3f} + {each.first_invocation / each.reference:.3f}"
        return f"{name:10} {ratio:.3f} = {phases}  (goal {each.start.goal})"

    return expected_instructions.compare(
        "cold_start",
        {name: each.ratio for name, each in measured.items()},
        arguments,
        tolerance=TOLERANCE,
        line=line,
    )


if __name__ == "__main__":
    sys.exit(main())
