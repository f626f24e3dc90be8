"""A module of the benchmarks as a process that serves for the length of a ``with`` block."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

from benchmarks import ROOT
from local.children import clean_environment


@contextlib.contextmanager
def serving(module: str, *arguments: str) -> Iterator[str]:
    """Run a module whose ``main`` calls :func:`serve`, and yield its address."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("pipes were requested")
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def serve(address: str, run: Callable[[], None]) -> None:
    """Serve until stdin ends, so that the process never outlives the one that started it.

    Args:
        address: Printed as the first line.
        run: Serves for ever.
    """
    print(address, flush=True)
    threading.Thread(target=run, daemon=True).start()
    sys.stdin.read()


def child_environment(aws_url: str) -> dict[str, str]:
    """Return the environment of a process that imports Kiln and finds AWS at a local address."""
    return {
        **clean_environment(),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/kiln"), str(ROOT)]),
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
