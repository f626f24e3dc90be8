"""Child processes that end with the stack: each ends when its stdin is closed, even after a ``kill -9``."""

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
    """A part of the stack has ended or did not start; the message holds the end of its log."""


class Child:
    """A Python module that runs as a separate process, in a separate process group.

    A Ctrl-C in the terminal therefore reaches the stack alone, which stops its children in order.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str], passed: int = 0
    ) -> None:
        """Starts it.

        Args:
            name: Its name in messages.
            command: The module and its arguments.
            log: The file for its output.
            environment: Its whole environment.
            passed: A file descriptor that it inherits; 0 for none.
        """
        self.name = name
        self._log = log
        self._first_line: queue.Queue[bytes] = queue.Queue()
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - a module of this project
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

    def first_line(self, timeout: float = 120) -> str:
        """The first line it prints, once it is ready.

        Raises:
            ChildFailedError: It has ended, or printed nothing within ``timeout`` seconds.
        """
        try:
            line = self._first_line.get(timeout=timeout).decode()
        except queue.Empty:
            raise ChildFailedError(f"{self.name} was not ready within {timeout:g} s; its log is {self._log}") from None
        if not line:
            self._process.wait()
            self.check()
        return line

    def check(self) -> None:
        """Raises ``ChildFailedError`` unless the child is running."""
        status = self._process.poll()
        if status is not None:
            raise ChildFailedError(f"{self.name} ended with status {status}; the end of {self._log}:\n{self._tail()}")

    def start_stopping(self) -> None:
        """Ends the child and every process it has started, without waiting for their end.

        Nothing is kept of a stack, so a busy child gets no time to finish its work.
        """
        if self._process.stdin is not None:
            self._process.stdin.close()
        # The processes it has started are in its group; without any, there is no group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Ends the child and every process it has started, and waits for their end."""
        self.start_stopping()
        self._process.wait()
        self._reader.join(timeout=2)

    def _read(self) -> None:
        """Copies the output to the log, so that the child never waits for a full pipe."""
        with self._process.stdout or io.BytesIO() as lines:
            self._first_line.put(lines.readline())
            with self._log.open("ab") as log:
                shutil.copyfileobj(lines, log)

    def _tail(self, lines: int = 20) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def clean_environment() -> dict[str, str]:
    """The environment without settings that would change a child: those of AWS, Python and proxies."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON", "MINISTACK_", "LAMBDA_", "POWERTOOLS_")) and name != "LOG_LEVEL"
    }
    return kept | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
