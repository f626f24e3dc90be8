"""Cold starts in instructions: initialisation and first invocation of every built function, beside one bare SDK client.

Instructions (valgrind's callgrind) are the same on a busy machine and on an idle one, and nearly so from machine to
machine. What the functions talk to is another process, so its work is not counted; the bare interpreter is subtracted.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cold_start_world import EVENTS

ROOT = Path(__file__).parent.parent
EXPECTED = Path(__file__).with_name("expected.json")
TOLERANCE = 0.03
"""Counts differ a little between machines: other CPUs take other paths through the C library."""

TASK_ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
CALLBACK_TOKEN = "RvryChsW1akaXg6EGShuTBAD8HHIoaFG"

INVOKE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import app

class Context:
    function_name = "kiln"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:kiln"
    aws_request_id = "8a6c2f0e-3f0b-4c57-9d3c-3f2f5a1b7c11"

    def get_remaining_time_in_millis(self):
        return 30_000

answer = app.handler(json.loads(sys.argv[2]), Context())
sys.stdout.flush()
print("ANSWER", json.dumps(answer))
"""
"""What Lambda's own runtime does with a function, and no more."""

REFERENCE = 'import boto3; boto3.client("dynamodb")'
_COUNT = re.compile(r"Collected : (\d+)")


@dataclass(frozen=True)
class Start:
    """A function's first invocation: which, by what event, and how much of the reference it may cost."""

    function: str
    event: str
    goal: float
    path: str = ""

    @property
    def folder(self) -> str:
        """Where the build has the function."""
        return f"{self.function.capitalize()}Function"

    def payload(self) -> dict[str, Any]:
        """The event; a callback's address is signed with the measurement's own key."""
        text = (EVENTS / f"{self.event}.json").read_text("utf-8")
        text = text.replace("Yb0M3cC2f7uKp1xq9sVd5tWz8aLhR4eN", CALLBACK_TOKEN).replace(
            '"id": "order-7"', f'"id": "{TASK_ID}"'
        )
        payload: dict[str, Any] = json.loads(text)
        if self.path:
            context = {**payload["requestContext"], "path": f"/live{self.path}"}
            payload |= {"path": self.path, "resource": self.path, "requestContext": context}
        return payload


STARTS = [
    Start("callback", "api-callback", 1.15),
    Start("poll", "workflow-poll", 1.15),
    Start("query", "api-query-one", 1.15),
    Start("collect", "workflow-collect", 1.15),
    Start("submit", "api-create", 1.3),
    Start("dispatch", "workflow-dispatch", 1.3),
    Start("notify", "workflow-notify", 1.3),
    Start("start", "table-new-task", 1.3),
    Start("release", "workflow-release", 1.3),
    Start("rescue", "rescue-workflow-broken", 1.3),
    Start("operate", "operate-status", 1.3),
    Start("console", "api-query-one", 1.3, path="/"),
]


def environment(layer: Path, world: str, *, sampled: bool = False) -> dict[str, str]:
    """What a function finds in its environment: Lambda's own variables and the template's."""
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(layer / "python"),
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "LANG": "en_US.UTF-8",
        "AWS_LAMBDA_FUNCTION_NAME": "kiln",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "_X_AMZN_TRACE_ID": "Root=1-66af6fe5-0f1e2d3c4b5a69788796a5b4;Parent=53995c3f42cd8ad8;Sampled="
        + ("1" if sampled else "0"),
        "AWS_ENDPOINT_URL": world,
        "POWERTOOLS_SERVICE_NAME": "kiln",
        "POWERTOOLS_METRICS_NAMESPACE": "Kiln",
        "LOG_LEVEL": "INFO",
        "TABLE_NAME": "kiln-table",
        "INBOX_QUEUE_URL": f"{world}/inbox",
        "UNSTARTED_QUEUE_URL": f"{world}/unstarted",
        "INPUTS_BUCKET": "kiln-inputs",
        "OUTBOX_BUCKET": "kiln-outbox",
        "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:kiln-task",
        "EVENT_BUS": "kiln",
        "PROVIDER_URL": world,
        "PROVIDER_SECRET_ARN": "provider",
        "PROVIDER_SLOTS": "9",
        "CALLERS_SECRET_ARN": "callers",
        "SIGNING_SECRET_ARN": "signing",
        "PUBLIC_URL": "https://kiln.example.com",
        "BUCKET_ORIGINS": "https://kiln-outbox.s3.us-east-1.amazonaws.com",
        "ALLOW_HTTP_CALLBACKS": "true",
        "ALLOW_PRIVATE_CALLBACKS": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }


@contextlib.contextmanager
def world() -> Iterator[str]:
    """Runs what the functions talk to, and gives its address."""
    command = [sys.executable, "-m", "benchmarks.cold_start_world"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise AssertionError("pipes were asked for")
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def isolated(python: str, script: str, *arguments: str) -> list[str]:
    """A Python that knows its standard library and ``PYTHONPATH``, and writes nothing: as in Lambda."""
    return [python, "-S", "-s", "-B", "-c", script, *arguments]


def count(command: list[str], variables: Mapping[str, str]) -> int:
    """How many instructions a command takes.

    Raises:
        RuntimeError: It failed; the message holds what it said.
    """
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run([*valgrind, *command], env=dict(variables), capture_output=True, text=True, check=False)
    counted = _COUNT.search(done.stderr)
    if done.returncode or counted is None:
        raise RuntimeError(
            f"{command[-2:]} ended with {done.returncode}:\n{done.stdout[-2_000:]}{done.stderr[-4_000:]}"
        )
    return int(counted[1])


def bare_python() -> str:
    """An interpreter of the functions' version; of itself it is asked for the standard library alone.

    Raises:
        RuntimeError: There is none.
    """
    candidates = [sys.executable, os.environ.get("PYTHON_SAM", ""), shutil.which("python3.13") or ""]
    asked = "import sys; print(sys.version_info[:2] == (3, 13) and sys._base_executable)"
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "-c", asked], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() != "False":
            return done.stdout.strip()
    raise RuntimeError("Python 3.13 is needed, as the functions run on it; set PYTHON_SAM=/path/to/python3.13")


def native_build() -> Path:
    """What was built for this machine.

    Raises:
        RuntimeError: Nothing was.
    """
    build = ROOT / ".aws-sam/native"
    if not (build / "template.yaml").exists():
        raise RuntimeError("nothing has been built for this machine: run make build-native first")
    return build


@contextlib.contextmanager
def reference_libraries(python: str) -> Iterator[Path]:
    """The bare SDK as people have it: whole, and compiled."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "python"
        for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six"):
            found = importlib.util.find_spec(name)
            if found is None or found.origin is None:
                raise RuntimeError(f"{name} is not installed")
            origin = Path(found.origin)
            if origin.name == "__init__.py":
                shutil.copytree(origin.parent, library / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(origin, library)
        compiling = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(library)]
        subprocess.run([python, *compiling], check=True)
        yield Path(folder)


def measure(only: Collection[str] = (), *, sampled: bool = False) -> list[dict[str, Any]]:
    """Measures functions of the build for this machine.

    Args:
        only: Names of functions; all if empty.
        sampled: Whether X-Ray is to have a trace of the invocation.

    Returns:
        For each function ``figure``, ``measured``, ``reference``, ``ratio`` and ``goal``; the counts are instructions.
    """
    build, python = native_build(), bare_python()
    starts = [each for each in STARTS if not only or each.function in only]
    layer = build / "KilnLayer"
    with world() as address, reference_libraries(python) as whole, ThreadPoolExecutor(os.cpu_count()) as pool:
        bare = pool.submit(count, isolated(python, "pass"), environment(layer, address))
        sdk = pool.submit(count, isolated(python, REFERENCE), environment(whole, address))
        counts = {
            each: pool.submit(
                count,
                isolated(python, INVOKE, str(build / each.folder), json.dumps(each.payload())),
                environment(layer, address, sampled=sampled),
            )
            for each in starts
        }
        reference = sdk.result() - bare.result()
        return [_row(each, counted.result() - bare.result(), reference) for each, counted in counts.items()]


def _row(start: Start, measured: int, reference: int) -> dict[str, Any]:
    return {
        "figure": f"cold start of {start.function}: initialisation + first invocation, instructions",
        "measured": measured,
        "reference": reference,
        "ratio": round(measured / reference, 3),
        "goal": start.goal,
    }


def main() -> int:
    """Prints the ratios; with ``--check`` says which are above what is expected, with ``--write`` expects these."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="*", help="all if none is named")
    parser.add_argument("--sampled", action="store_true", help="with a trace for X-Ray")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="fail when a ratio is above what is expected")
    what.add_argument("--write", action="store_true", help="expect these ratios from now on")
    arguments = parser.parse_args()
    expected = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.exists() else {}
    known = expected.setdefault("cold_start", {})
    worse = 0
    for start, row in zip(
        [each for each in STARTS if not arguments.functions or each.function in arguments.functions],
        measure(arguments.functions, sampled=arguments.sampled),
        strict=True,
    ):
        too_much = arguments.check and row["ratio"] > known.get(start.function, 0) * (1 + TOLERANCE)
        worse += too_much
        note = f"  expected {known.get(start.function)}" if too_much else ""
        print(f"{start.function:10} {row['ratio']:.3f}  (goal {start.goal}){note}")
        known[start.function] = row["ratio"]
    if arguments.write:
        EXPECTED.write_text(json.dumps(expected, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
