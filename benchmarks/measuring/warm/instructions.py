"""``python -m benchmarks.measuring.warm.instructions``: instructions of a warm ``submit`` beside its reference's.

Instructions are the same on a busy machine, so a changed count means changed code. Each count is the difference
between a process that repeats the request and one that does not, so imports and warming up cancel out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from benchmarks.data import expected_instructions
from benchmarks.measuring.callgrind import count
from benchmarks.measuring.warm.measure import stubbed_environment
from benchmarks.measuring.warm.ways import ways

TOLERANCE = 0.05
"""Hashes, threads and the length of addresses change counts by a few hundredths from run to run."""

_MODULE = "benchmarks.measuring.warm.instructions"
_TIMES = {"small": 12, "calls": 12, "large": 3}
_RATIOS = {"small": ("small", "calls"), "large": ("large", "calls")}
"""Each ratio's numerator and denominator. Decoding Base64 takes a different number of instructions on each CPU, so
large bodies are compared with the two calls as well."""


def measure() -> dict[str, float]:
    """Return the instructions of each kind of request, divided by those of the two SDK calls."""
    with stubbed_environment() as environment, ThreadPoolExecutor(os.cpu_count()) as pool:
        # Not counted: the first process in a fresh checkout compiles the modules.
        subprocess.run(_command("large", 0), env=environment, check=True, stdout=subprocess.DEVNULL)
        repeated = {name: pool.submit(_instructions, name, times, environment) for name, times in _TIMES.items()}
        once = {name: pool.submit(_instructions, name, 0, environment) for name in _TIMES}
        each = {name: (repeated[name].result() - once[name].result()) / times for name, times in _TIMES.items()}
    return {name: round(each[ours] / each[reference], 3) for name, (ours, reference) in _RATIOS.items()}


def _instructions(name: str, times: int, environment: Mapping[str, str]) -> int:
    return count(_command(name, times), {**environment, "PYTHONHASHSEED": "0"})


def _command(name: str, times: int) -> list[str]:
    return [sys.executable, "-m", _MODULE, "--repeat", name, str(times)]


def _repeat(name: str, times: int) -> None:
    run = ways([name])[name]
    for _ in range(times):
        run()


def main() -> int:
    """Print the ratios. ``--check`` compares them with the expected ones, ``--write`` replaces those."""
    parser = argparse.ArgumentParser(prog=f"python -m {_MODULE}", description=__doc__)
    expected_instructions.add_arguments(parser)
    parser.add_argument("--repeat", nargs=2, metavar=("name", "times"), help="run the process that is counted")
    arguments = parser.parse_args()
    if arguments.repeat:
        _repeat(arguments.repeat[0], int(arguments.repeat[1]))
        return 0
    return expected_instructions.compare(
        "warm",
        measure(),
        arguments,
        tolerance=TOLERANCE,
        line=lambda name, ratio: f"warm submit, {name} body: {ratio:.3f} of two SDK calls",
    )


if __name__ == "__main__":
    sys.exit(main())
