"""The unit tests that talk to DynamoDB pass against dynalite, another implementation than moto's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.second_opinion.tools import ROOT, node_tool, run

SUITES = ("slots", "tasks", "operating", "workflow")
FEWEST_PASSED = 250


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a running dynalite."""
    command = node_tool("dynalite")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    arguments = [command, "--host", "127.0.0.1", "--port", str(number), "--createTableMs", "0", "--deleteTableMs", "0"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(number)
            yield number
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"expected dynalite on port {port} within a minute, got no connection")


def test_unit_tests_pass_against_dynalite(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNALITE_PORT", str(port))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(ROOT / "layers/kiln"))))
    suites = [ROOT / "tests/unit" / each for each in SUITES]
    options = ("-q", "-p", "no:schemathesis", "-p", "tests.second_opinion.on_dynalite", "--rootdir", ROOT)
    done = run(sys.executable, "-m", "pytest", *options, *suites)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    passed = int(done.stdout.rstrip().splitlines()[-1].partition(" passed")[0])
    assert passed >= FEWEST_PASSED
