"""Times of fresh processes. Each round starts every process once, so that a busy minute hits all of them."""

from __future__ import annotations

import statistics
import subprocess
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.measuring.cold_start.functions import Start
from benchmarks.measuring.cold_start.processes import Process, Processes
from benchmarks.measuring.cold_start.runtime import printed

ROUNDS = 9


@dataclass(frozen=True)
class Phase:
    """Milliseconds that one phase of a process took, and of CPU that it used."""

    wall: float
    cpu: float


def time_processes(measured: Processes, rounds: int = ROUNDS) -> tuple[Phase, dict[Start, tuple[Phase, Phase]]]:
    """Return the medians: the reference, and each function's initialisation and first invocation."""
    references: list[list[Phase]] = []
    taken: dict[Start, list[list[Phase]]] = {start: [] for start in measured.functions}
    for _ in range(rounds):
        references.append(_phases(measured.reference))
        for start, process in measured.functions.items():
            taken[start].append(_phases(process))
    (reference,) = _medians(references)
    medians = {start: _medians(runs) for start, runs in taken.items()}
    return reference, {start: (phases[0], phases[1]) for start, phases in medians.items()}


def _phases(process: Process) -> list[Phase]:
    """Run a process. Return its phases after the interpreter's own start."""
    done = subprocess.run(process.command, env=process.environment, capture_output=True, text=True, check=True)
    clocks = printed(done.stdout, "CLOCKS")
    return [
        Phase((wall - wall_before) * 1e3, (cpu - cpu_before) * 1e3)
        for (wall_before, cpu_before), (wall, cpu) in pairwise(clocks)
    ]


def _medians(runs: list[list[Phase]]) -> list[Phase]:
    return [
        Phase(statistics.median(each.wall for each in phases), statistics.median(each.cpu for each in phases))
        for phases in zip(*runs, strict=True)
    ]
