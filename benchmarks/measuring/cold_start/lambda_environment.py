"""Lambda's side of a cold start: the interpreter, the environment variables, the build and the reference libraries."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

from benchmarks import ROOT


def environment(layer: Path, stand_in: str, *, sampled: bool = False) -> dict[str, str]:
    """Return a function's environment: Lambda's own variables and the template's.

    Args:
        layer: The folder of the layer.
        stand_in: The address of AWS and the provider.
        sampled: Whether X-Ray samples the invocation.
    """
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
        "AWS_ENDPOINT_URL": stand_in,
        "POWERTOOLS_SERVICE_NAME": "kiln",
        "POWERTOOLS_METRICS_NAMESPACE": "Kiln",
        "LOG_LEVEL": "INFO",
        "TABLE_NAME": "kiln-table",
        "INBOX_QUEUE_URL": f"{stand_in}/inbox",
        "UNSTARTED_QUEUE_URL": f"{stand_in}/unstarted",
        "INBOX_DEAD_LETTERS_URL": f"{stand_in}/dead-letters",
        "INPUTS_BUCKET": "kiln-inputs",
        "OUTBOX_BUCKET": "kiln-outbox",
        "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:kiln-task",
        "EVENT_BUS": "kiln",
        "PROVIDER_URL": stand_in,
        "PROVIDER_SECRET_ARN": "provider",
        "PROVIDER_SLOTS": "9",
        "CALLERS_SECRET_ARN": "callers",
        "SIGNING_SECRET_ARN": "signing",
        "PUBLIC_URL": "https://kiln.example.com",
        "BUCKET_ORIGINS": "https://kiln-outbox.s3.us-east-1.amazonaws.com",
        "ALLOW_HTTP_CALLBACKS": "true",
        "ALLOW_PRIVATE_CALLBACKS": "true",
        "ALLOW_HTTP_RESULTS": "true",
        "ALLOW_PRIVATE_RESULTS": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def isolated(python: str, script: str, *arguments: str) -> list[str]:
    """Return a command as in Lambda: a Python with only its standard library and ``PYTHONPATH``, writing nothing."""
    return [python, "-S", "-s", "-B", "-c", script, *arguments]


def bare_python() -> str:
    """Return an interpreter of the functions' version, outside any virtualenv.

    Raises:
        RuntimeError: None was found.
    """
    candidates = [sys.executable, os.environ.get("PYTHON_SAM", ""), shutil.which("python3.13") or ""]
    asked = "import sys; print(sys.version_info[:2] == (3, 13) and sys._base_executable)"
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "-c", asked], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() != "False":
            return done.stdout.strip()
    raise RuntimeError("the functions run on Python 3.13, got none. Set PYTHON_SAM=/path/to/python3.13.")


def native_build() -> Path:
    """Return the folder of the build for this machine.

    Raises:
        RuntimeError: There is none.
    """
    build = ROOT / ".aws-sam/native"
    if not (build / "template.yaml").exists():
        raise RuntimeError(f"must be built first, got no {build}. Run `make build-native`.")
    return build


def handlers(build: Path) -> dict[str, str]:
    """Return each function's handler as the built template names it, by the function's folder."""
    template = yaml_parse((build / "template.yaml").read_text("utf-8"))
    shared = template["Globals"]["Function"]["Handler"]
    return {
        name: each["Properties"].get("Handler", shared)
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function"
    }


@contextlib.contextmanager
def reference_libraries(python: str) -> Iterator[Path]:
    """Copy the SDK as pip installs it, whole and compiled, into a folder, and yield the folder."""
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
