"""``python -m benchmarks.measuring.warm.instructions``: instructions of a warm ``submit`` beside its reference's.

Instructions are the same on a busy machine, so a changed count means changed code. One process makes every request
several times, with its time stopped. The median counts, so a request in which Python collects garbage does not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

from benchmarks.data import expected_instructions
from benchmarks.measuring.callgrind import count_phases
from benchmarks.measuring.cold_start.runtime import MARK
from benchmarks.measuring.warm import stopped_time
from benchmarks.measuring.warm.measure import stubbed_environment
from benchmarks.measuring.warm.ways import ways

TOLERANCE = 0.03
"""Runs on one machine differ by less than a hundredth. The CPU's own instructions for Base64 are the rest."""

_MODULE = "benchmarks.measuring.warm.instructions"
_TIMES = {"small": 3, "small_plain": 3, "large": 2, "large_plain": 2}
_RATIOS = {"small": "small_plain", "large": "large_plain"}


def measure() -> dict[str, float]:
    """Return the instructions of each kind of request, divided by those of the same work by the plain SDK."""
    command = [sys.executable, "-m", _MODULE, "--counted"]
    with stubbed_environment() as environment:
        # Not counted: the first process in a fresh checkout compiles the modules.
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        _, *counts = count_phases(command, {**environment, "PYTHONHASHSEED": "0"}, mark=MARK)
    phases = iter(counts)
    each = {name: statistics.median(next(phases) for _ in range(times)) for name, times in _TIMES.items()}
    return {name: round(each[name] / each[reference], 3) for name, reference in _RATIOS.items()}


def _counted() -> None:
    """Warm up, then make the requests; ``MARK`` ends each phase."""
    runs = ways()
    stopped_time.stop()
    for run in runs.values():
        run()
    os.getpgrp()
    for name, times in _TIMES.items():
        for _ in range(times):
            runs[name]()
            os.getpgrp()


def main() -> int:
    """Print the ratios. ``--check`` compares them with the expected ones, ``--write`` replaces those."""
    parser = argparse.ArgumentParser(prog=f"python -m {_MODULE}", description=__doc__)
    expected_instructions.add_arguments(parser)
    parser.add_argument("--counted", action="store_true", help="run the process that is counted")
    arguments = parser.parse_args()
    if arguments.counted:
        _counted()
        return 0
    return expected_instructions.compare(
        "warm",
        measure(),
        arguments,
        tolerance=TOLERANCE,
        line=lambda name, ratio: f"warm submit, {name} body: {ratio:.3f} of the same work by the plain SDK",
    )


if __name__ == "__main__":
    sys.exit(main())
