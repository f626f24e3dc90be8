"""Child processes that never outlive the stack: each ends when its stdin does, so even ``kill -9`` leaves none."""

from __future__ import annotations

import contextlib
import io
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class ChildFailedError(Exception):
    """A part of the stack ended, or never came up; the message holds the end of its log."""


class Child:
    """A Python module running as a process of its own, in a process group of its own.

    The group keeps a Ctrl-C in the terminal from reaching the child before the stack has stopped in order.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str], passed: int = 0
    ) -> None:
        """Starts it.

        Args:
            name: What messages call it.
            command: The module and its arguments.
            log: Where its output goes.
            environment: All of its environment.
            passed: A file descriptor that it inherits, if not 0.
        """
        self.name = name
        self._log = log
        self._first_line: queue.Queue[bytes] = queue.Queue()
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=ROOT,
                env=dict(environment),
                start_new_session=True,
                pass_fds=[passed] if passed else [],
            )
        self._reader = threading.Thread(target=self._read, name=f"output of {name}", daemon=True)
        self._reader.start()

    def first_line(self, timeout: float = 30) -> str:
        """The first line it prints, by which it says that it is ready.

        Raises:
            ChildFailedError: It ended, or said nothing for ``timeout`` seconds.
        """
        try:
            line = self._first_line.get(timeout=timeout).decode()
        except queue.Empty:
            raise ChildFailedError(f"{self.name} said nothing for {timeout:g} s; its log is {self._log}") from None
        if not line:
            self._process.wait()
            self.check()
        return line

    def check(self) -> None:
        """Makes sure that the child is running.

        Raises:
            ChildFailedError: It is not.
        """
        status = self._process.poll()
        if status is not None:
            raise ChildFailedError(f"{self.name} ended with status {status}; the end of {self._log}:\n{self._tail()}")

    def stop(self) -> None:
        """Ends the child and everything it has started, and waits until it is gone."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        # What it has started is in its group still; the group is gone when there is nothing left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(timeout=2)

    def _read(self) -> None:
        """Takes the output to its end, so that a full pipe never makes the child wait."""
        with self._process.stdout or io.BytesIO() as lines:
            self._first_line.put(lines.readline())
            with self._log.open("ab") as log:
                shutil.copyfileobj(lines, log)

    def _tail(self, lines: int = 20) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def clean_environment() -> dict[str, str]:
    """The environment without what could lead a child astray: the user's AWS, Python and proxy settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON", "MINISTACK_", "LAMBDA_", "POWERTOOLS_")) and name != "LOG_LEVEL"
    }
    return kept | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
