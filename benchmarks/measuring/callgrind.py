"""Counts the instructions of a process, or of its phases, with valgrind's callgrind."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

_COUNT = re.compile(r"Collected : (\d+)")
_TOTAL = re.compile(r"^totals: (\d+)$", re.MULTILINE)


def count(command: list[str], environment: Mapping[str, str]) -> int:
    """Return how many instructions a command takes.

    Raises:
        RuntimeError: The command failed; the message holds the end of its output.
    """
    counted = _COUNT.search(_run(command, environment, "--callgrind-out-file=/dev/null"))
    if counted is None:
        raise RuntimeError(f"valgrind must print a count, got none for {command[-2:]}")
    return int(counted[1])


def count_phases(command: list[str], environment: Mapping[str, str], *, mark: str) -> list[int]:
    """Return the instructions of each phase of a command. The rest, after the last mark, is not counted.

    Args:
        command: The process.
        environment: Its environment variables.
        mark: A C function that the process calls at the end of each phase.

    Raises:
        RuntimeError: The command failed; the message holds the end of its output.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "phase"
        _run(command, environment, f"--callgrind-out-file={file}", f"--dump-after={mark}")
        # The number of a phase is the file's suffix. The file without a suffix is the process's end.
        dumps = sorted(Path(folder).glob("phase.*"), key=lambda dump: int(dump.suffix[1:]))
        return [sum(int(total) for total in _TOTAL.findall(dump.read_text("utf-8"))) for dump in dumps]


def _run(command: list[str], environment: Mapping[str, str], *options: str) -> str:
    """Run a command under callgrind, and return what valgrind printed."""
    valgrind = ["valgrind", "--tool=callgrind", *options]
    done = subprocess.run([*valgrind, *command], env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        output = f"{done.stdout[-2_000:]}{done.stderr[-4_000:]}"
        raise RuntimeError(f"{command[-2:]} ended with {done.returncode}:\n{output}")
    return done.stderr
