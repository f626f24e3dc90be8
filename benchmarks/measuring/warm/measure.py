"""A warm ``submit``'s own CPU time per request, beside the same work by the plain SDK.

AWS is a stub in another process, so ``time.process_time`` counts only the work of the measured process.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

from benchmarks import ROOT
from benchmarks.data.figure import Figure
from benchmarks.measuring.child_process import child_environment
from benchmarks.measuring.warm.stub_aws import stub_aws
from benchmarks.measuring.warm.ways import API_KEY

_SECRETS: dict[str, object] = {
    "callers": {"callers": [{"name": "bench", "api_keys": [API_KEY], "tasks_per_minute": 1_000_000}]}
}


def measure_warm() -> Iterator[Figure]:
    """Measure both bodies, each beside its reference."""
    with stubbed_environment() as environment, tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        subprocess.run(
            [sys.executable, "-m", "benchmarks.measuring.warm.ways", str(result)],
            check=True,
            env=environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,  # The log of the function.
        )
        measured: dict[str, float] = json.loads(result.read_text("utf-8"))
    for name, body, work, goal in (
        ("small", "small body", "the JSON and two calls by the plain SDK", 1.3),
        ("large", "4 × 1 MB Base64", "the JSON, Base64, four PUTs and two calls by the plain SDK", 0.8),
    ):
        ours, reference = measured[name], measured[f"{name}_plain"]
        yield Figure(
            f"warm submit, {body}: own CPU",
            f"{ours * 1e3:.2f} ms",
            f"{reference * 1e3:.2f} ms: {work}",
            ours / reference,
            goal,
        )


@contextlib.contextmanager
def stubbed_environment() -> Iterator[dict[str, str]]:
    """Run the stub of AWS, and yield the environment of a process that calls it."""
    with stub_aws(_SECRETS) as url:
        yield {
            **child_environment(url),
            **_memory_settings(),
            # The CRT comes with the local AWS's command line; deployed functions have none.
            "BOTO_DISABLE_CRT": "true",
            "POWERTOOLS_SERVICE_NAME": "kiln",
            "POWERTOOLS_METRICS_NAMESPACE": "Kiln",
            "POWERTOOLS_TRACE_DISABLED": "true",
            "TABLE_NAME": "table",
            "INPUTS_BUCKET": "inputs",
            "CALLERS_SECRET_ARN": "callers",
            "SIGNING_SECRET_ARN": "signing",
            "INBOX_QUEUE_URL": f"{url}/inbox",
        }


def _memory_settings() -> dict[str, str]:
    """Return the template's memory settings for the C library. Both sides of the comparison run with them."""
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    variables = template["Resources"]["SubmitFunction"]["Properties"]["Environment"]["Variables"]
    return {name: value for name, value in variables.items() if name.startswith("MALLOC_")}
