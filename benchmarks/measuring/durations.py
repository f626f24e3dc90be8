"""How long a person waits: for the sample job of ``make run ONCE=1`` after set-up, and for the tests."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks import ROOT
from benchmarks.data.figure import Figure
from local.provider.settings import ProviderSettings

_FIRST_RUNS = 3
_UNIT_TESTS = [
    *("-m", "pytest", "-n", "auto", "--dist", "worksteal"),
    *("-p", "no:schemathesis", "-p", "no:anyio", "-p", "no:logging", "tests/unit"),
]
_OTHER_TESTS = ["-m", "pytest", "-q", "-n", "3", "--dist", "loadfile", "tests/integration", "tests/e2e"]


def measure_first_run() -> Iterator[Figure]:
    """Start the stack, drop a job, wait for its images, stop. The shortest of a few runs counts."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "local", "run", "--once", "--port", "0", "--state-dir", folder]
        taken = min(_seconds(command) for _ in range(_FIRST_RUNS))
    simulated = ProviderSettings.task_seconds
    yield Figure("make run ONCE=1, warm", f"{taken:.1f} s", f"of which {simulated:g} s are simulated", taken, 15.0)


def measure_unit_tests() -> Iterator[Figure]:
    """Run the tests of ``make test-unit``."""
    taken = _seconds(_UNIT_TESTS)
    yield Figure("unit tests", f"{taken:.0f} s", "", taken, 20.0)


def measure_all_tests() -> Iterator[Figure]:
    """Run the tests of ``make test``."""
    taken = _seconds(_UNIT_TESTS) + _seconds(_OTHER_TESTS)
    yield Figure("all tests", f"{taken / 60:.1f} min", "", taken / 60, 7.0)


def _seconds(command: list[str]) -> float:
    started = time.monotonic()
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        output = f"{done.stdout[-2_000:]}{done.stderr[-2_000:]}"
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{output}")
    return time.monotonic() - started
