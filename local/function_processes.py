"""Starts the processes of functions as forks of one process that has imported the libraries; only on Linux.

A Python process that imports boto3, httpx and pydantic takes 0.3 s of CPU, and a task starts a dozen processes.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NoReturn

_LIBRARIES = (
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.typing",
    "boto3.dynamodb.types",
    "boto3.s3.inject",
    "botocore.handlers",
    "botocore.retryhandler",
    "httpcore",
    "httpx",
    "jwt",
    "pydantic.root_model",
    "zoneinfo",
)
"""Imported once, for all functions."""

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_REQUEST_BYTES = 1 << 17


class FunctionProcess:
    """A forked process, with the part of ``subprocess.Popen`` that the local AWS uses."""

    def __init__(self, pid: int, stdin: IO[str], stdout: IO[str], stderr: IO[str]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """The exit status; ``None`` while it runs."""
        with self._lock:
            if self.returncode is None:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                if ended:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    def wait(self, timeout: float) -> int:
        """Waits for the end. Returns the exit status."""
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.005)
        return status

    def terminate(self) -> None:
        """Asks it to end."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        with self._lock:
            if self.returncode is None:
                os.kill(self.pid, number)


class FunctionProcesses:
    """The process that has the libraries, and its forks."""

    def __init__(self) -> None:
        """Starts it. Its forks become children of this process, which therefore sees their ends."""
        _adopt_orphans(True)
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - a module of this project
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def start(
        self, command: Sequence[str], *, cwd: str, env: Mapping[str, str], **options: Any
    ) -> FunctionProcess | subprocess.Popen[str]:
        """Starts a function, with the signature of ``subprocess.Popen`` that the local AWS uses."""
        if command[0] == sys.executable and _uses_our_libraries(env):
            with contextlib.suppress(OSError):
                return self._fork(command[1:], cwd, env)
        return subprocess.Popen(command, cwd=cwd, env=env, **options)  # noqa: S603 - the local AWS's own

    def stop(self) -> None:
        """Ends the process, and leaves the forks."""
        self._control.close()
        self._process.wait()
        _adopt_orphans(False)

    def _fork(self, arguments: Sequence[str], cwd: str, env: Mapping[str, str]) -> FunctionProcess:
        request = json.dumps({"arguments": list(arguments), "cwd": cwd, "env": dict(env)}).encode()
        if len(request) > _REQUEST_BYTES:
            raise OSError(f"a request for a fork holds at most {_REQUEST_BYTES} bytes, got {len(request)}")
        pipes = [os.pipe() for _ in range(3)]
        theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
        with contextlib.ExitStack() as ours:
            stdin = ours.enter_context(os.fdopen(pipes[0][1], "w", buffering=1))
            stdout, stderr = (ours.enter_context(os.fdopen(read)) for read, _ in pipes[1:])
            try:
                with self._lock:
                    socket.send_fds(self._control, [request], theirs)
                    pid = int(self._control.recv(32) or 0)
            finally:
                for descriptor in theirs:
                    os.close(descriptor)
            if not pid:
                raise OSError("the process with the libraries has ended")
            ours.pop_all()
        return FunctionProcess(pid, stdin, stdout, stderr)


def _adopt_orphans(adopts: bool) -> None:
    """Makes this process the parent of its descendants whose parent has ended, or no longer."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, int(adopts), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl refused PR_SET_CHILD_SUBREAPER")


def _uses_our_libraries(env: Mapping[str, str]) -> bool:
    """Whether a function's interpreter and libraries would be those of this process."""
    if _of_python(env) != _of_python(os.environ):
        return False
    layers = env.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep)
    return not any(Path(layer, "python", "botocore").exists() for layer in layers)


def _of_python(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith("PYTHON")}


def fork_functions() -> None:
    """Has the local AWS start its functions here, where the system can do that."""
    if sys.platform != "linux":
        return
    lambda_runtime = importlib.import_module("ministack.core.lambda_runtime")
    replaced = ModuleType("subprocess")
    replaced.__dict__.update(vars(subprocess), Popen=FunctionProcesses().start)
    lambda_runtime.subprocess = replaced  # type: ignore[attr-defined]


def _serve(control: socket.socket) -> None:
    """Forks until the other side ends."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, _REQUEST_BYTES, 3)
        if not request:
            return
        ours, theirs = os.pipe()
        between = os.fork()
        if between == 0:
            # The process between ends at once, so the fork gets another parent.
            pid = os.fork()
            if pid == 0:
                control.close()
                os.close(ours)
                os.close(theirs)
                _become(json.loads(request), descriptors)
            os.write(theirs, str(pid).encode())
            os._exit(0)
        os.close(theirs)
        for descriptor in descriptors:
            os.close(descriptor)
        os.waitpid(between, 0)
        control.send(os.read(ours, 32) or b"0")
        os.close(ours)


def _become(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Runs a script as a new interpreter would."""
    status = 1
    try:
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
            os.close(descriptor)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        sys.argv = request["arguments"]
        sys.path[0] = str(Path(sys.argv[0]).parent)
        for name in [name for name in sys.modules if name.partition(".")[0] == "local"]:
            del sys.modules[name]
        if "sitecustomize" in sys.modules:
            # A new interpreter would load it with the function's environment.
            importlib.reload(sys.modules["sitecustomize"])
        runpy.run_path(sys.argv[0], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001 - written to the log, as an interpreter does
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
