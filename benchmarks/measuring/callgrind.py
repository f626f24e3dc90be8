"""Counts the instructions of a process with valgrind's callgrind."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping

_COUNT = re.compile(r"Collected : (\d+)")


def count(command: list[str], environment: Mapping[str, str]) -> int:
    """Return how many instructions a command takes.

    Raises:
        RuntimeError: The command failed; the message holds the end of its output.
    """
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*valgrind, *command], env=dict(environment), capture_output=True, text=True, check=False)
    counted = _COUNT.search(done.stderr)
    if done.returncode or counted is None:
        output = f"{done.stdout[-2_000:]}{done.stderr[-4_000:]}"
        raise RuntimeError(f"{command[-2:]} ended with {done.returncode}:\n{output}")
    return int(counted[1])
