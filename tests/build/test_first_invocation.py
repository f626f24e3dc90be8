"""Each function's first invocation from the build output alone: no site-packages, nothing compiled, nothing missing."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measuring.cold_start.functions import STARTS, TASK_ID, Start
from benchmarks.measuring.cold_start.lambda_environment import environment, handlers, isolated
from benchmarks.measuring.cold_start.runtime import INITIALISE, INVOKE, printed

WATCHED = """
import sys
compiled = []
sys.addaudithook(lambda event, arguments: compiled.append(str(arguments[1])) if event == "compile" else None)
"""

CLIENTS = """
def made():
    kiln_aws = sys.modules.get("kiln.aws")
    names = ("dynamodb", "events", "s3", "secrets_manager", "sqs", "step_functions")
    return [name for name in names if kiln_aws and getattr(kiln_aws, name).is_made()]
initialised = made()
"""

REPORT = """
print("REPORT", json.dumps({
    "compiled": [name for name in compiled if not name.startswith("<")],
    "files": sorted({module.__file__ for module in sys.modules.values() if getattr(module, "__file__", None)}),
}))
"""


@pytest.fixture(scope="module")
def standard_library(python: str) -> str:
    paths = "import sysconfig; print(sysconfig.get_path('stdlib'))"
    return subprocess.check_output([python, "-c", paths], text=True).strip()


@pytest.fixture(params=STARTS, ids=lambda start: start.function)
def start(request: pytest.FixtureRequest) -> Start:
    chosen: Start = request.param
    return chosen


@pytest.fixture(scope="module")
def handler(native: Path) -> dict[str, str]:
    return handlers(native)


def run(*command: str, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, env=dict(environment), cwd="/", capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_built_function_answers_without_site_packages(start, native, python, outside, standard_library, handler):
    folder, layer = native / start.folder, native / "KilnLayer"
    script = WATCHED + INITIALISE + INVOKE + REPORT
    command = isolated(python, script, str(folder), handler[start.folder], json.dumps(start.payload()))
    output = run(*command, environment=environment(layer, outside))
    report = printed(output, "REPORT")
    assert is_success(printed(output, "ANSWER")), output
    assert report["compiled"] == []
    strangers = [
        file
        for file in report["files"]
        if not file.startswith((str(layer), str(folder), standard_library)) or "site-packages" in file
    ]
    assert strangers == []


def test_function_makes_the_clients_it_needs_in_initialisation(start, native, python, outside, handler):
    script = INITIALISE + CLIENTS + INVOKE + 'print("CLIENTS", json.dumps([initialised, made()]))'
    command = isolated(python, script, str(native / start.folder), handler[start.folder], json.dumps(start.payload()))
    output = run(*command, environment=environment(native / "KilnLayer", outside))
    initialised, needed = printed(output, "CLIENTS")
    assert initialised == needed


def test_sampled_invocation_sends_its_calls_to_x_ray(native, python, outside, handler):
    (poll,) = (each for each in STARTS if each.function == "poll")
    script = INITIALISE + INVOKE
    command = isolated(python, script, str(native / poll.folder), handler[poll.folder], json.dumps(poll.payload()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.setblocking(False)
        address = f"127.0.0.1:{daemon.getsockname()[1]}"
        variables = {**environment(native / "KilnLayer", outside, sampled=True), "AWS_XRAY_DAEMON_ADDRESS": address}
        output = run(*command, environment=variables)
        assert printed(output, "ANSWER")["outcome"] == "generated"
        segments = list(flat(received(daemon)))
    assert {each["trace_id"] for each in segments if "trace_id" in each} == {"1-66af6fe5-0f1e2d3c4b5a69788796a5b4"}
    assert TASK_ID in {each.get("annotations", {}).get("task_id") for each in segments}
    assert {"dynamodb", "secretsmanager", "127.0.0.1"} <= {each["name"].lower() for each in segments}


def received(daemon: socket.socket) -> Iterator[dict[str, Any]]:
    """The bytes that lie in the socket after their sender has ended."""
    with contextlib.suppress(BlockingIOError):
        while True:
            yield json.loads(daemon.recv(65_536).decode().partition("\n")[2])


def flat(segments: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for segment in segments:
        yield segment
        yield from flat(segment.get("subsegments", []))


def is_success(answer: Any) -> bool:
    """Whether an answer is that of a healthy function, in the form that its caller expects."""
    if answer is None:
        return True
    if "statusCode" in answer:
        return bool(answer["statusCode"] == 200)
    if "batchItemFailures" in answer:
        return not answer["batchItemFailures"]
    if "refusal" in answer:
        return not answer["refusal"]
    if "woken" in answer and "event" not in answer:
        return not answer.get("started")
    return answer.get("outcome") in ("generated", "dispatched", "delivered", "ended") or "event" in answer
