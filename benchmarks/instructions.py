"""Instructions of a warm ``submit`` beside its reference's: the same on a busy machine, so a change of them is news.

A process that runs something so many times more takes so many times its instructions more: imports and warming up are
in both counts and fall out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from benchmarks.cold_start import EXPECTED, count
from benchmarks.warm import ways, world

TOLERANCE = 0.05
"""Hashes, threads and the length of addresses make counts differ by a few hundredths from run to run."""

_TIMES = {"small": 12, "calls": 12, "large": 3}
_RATIOS = {"small": ("small", "calls"), "large": ("large", "calls")}
"""What is held against what; large bodies too, as to decode Base64 takes another number of instructions on each CPU."""


def measure() -> dict[str, float]:
    """Instructions of each kind of request, to those of the two SDK calls."""
    with world() as environment, ThreadPoolExecutor(os.cpu_count()) as pool:
        # Uncounted: whoever comes first in a fresh checkout compiles the modules, and the difference would be of that.
        subprocess.run(_command("large", 0), env=environment, check=True, stdout=subprocess.DEVNULL)
        counted = {name: pool.submit(_instructions, name, times, environment) for name, times in _TIMES.items()}
        once = {name: pool.submit(_instructions, name, 0, environment) for name in _TIMES}
        each = {name: (counted[name].result() - once[name].result()) / times for name, times in _TIMES.items()}
    return {name: round(each[ours] / each[reference], 3) for name, (ours, reference) in _RATIOS.items()}


def _instructions(name: str, times: int, environment: Mapping[str, str]) -> int:
    return count(_command(name, times), {**environment, "PYTHONHASHSEED": "0"})


def _command(name: str, times: int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.instructions", "--repeat", name, str(times)]


def main() -> int:
    """Prints the ratios; with ``--check`` fails for those above what is expected, with ``--write`` expects these."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="fail when a ratio is above what is expected")
    what.add_argument("--write", action="store_true", help="expect these ratios from now on")
    what.add_argument("--repeat", nargs=2, metavar=("name", "times"), help="run it so many times, to be counted")
    arguments = parser.parse_args()
    if arguments.repeat:
        name, times = arguments.repeat
        run = ways([name])[name]
        for _ in range(int(times)):
            run()
        return 0
    expected = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.exists() else {}
    known = expected.setdefault("warm", {})
    worse = 0
    for name, ratio in measure().items():
        too_much = arguments.check and ratio > known.get(name, 0) * (1 + TOLERANCE)
        worse += too_much
        print(f"warm submit, {name} body: {ratio:.3f} of two SDK calls" + (f", expected {known.get(name)}" * too_much))
        known[name] = ratio
    if arguments.write:
        EXPECTED.write_text(json.dumps(expected, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
