"""Warm ``submit``: its own CPU per request, beside the least that such a request can cost. Run in a child process.

AWS is a stub in another process, so that only what runs here is counted, with ``time.process_time``.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.config import Config
from pydantic import BaseModel, Field
from samtranslator.yaml_helper import yaml_parse

from benchmarks.figure import Figure
from benchmarks.pictures import png_of
from benchmarks.stub_aws import stub_aws
from local.children import ROOT, clean_environment

ROUNDS = 25
_TIMES = {"small": 40, "calls": 40, "large": 4, "decoding": 4}
"""How often each runs in a round: long enough for the clock, short enough that all meet the same weather."""

_KEY = "bench-key"
_SECRETS: dict[str, object] = {
    "callers": {"callers": [{"name": "bench", "api_keys": [_KEY], "tasks_per_minute": 1_000_000}]}
}
_IMAGE_BYTES = 1_000_000
_URL = "https://images.example.com/subject.png?signature=0123456789abcdef0123456789abcdef"
SMALL = {
    "model_name": "kling-v2",
    "prompt": "A lantern cat in the rain, at night, seen from a bridge",
    "subject_image_list": [{"subject_image": _URL}],
    "n": 2,
    "aspect_ratio": "1:1",
}


class _Subject(BaseModel):
    subject_image: str


class _Plain(BaseModel):
    """The request as anyone would write it down, its images being texts."""

    model_name: Literal["kling-v2"] = "kling-v2"
    prompt: str | None = Field(default=None, max_length=2_500)
    subject_image_list: list[_Subject] = Field(min_length=1, max_length=4)
    n: int = Field(default=1, ge=1, le=9)
    aspect_ratio: Literal["16:9", "1:1"] = "16:9"


def measure_warm() -> Iterator[Figure]:
    """Both bodies, each beside its reference."""
    with world() as environment, tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        subprocess.run(
            [sys.executable, "-m", "benchmarks.warm", str(result)],
            check=True,
            env=environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,  # What the function logs.
        )
        measured: dict[str, float] = json.loads(result.read_text("utf-8"))
    small, calls, large, decoding = (measured[name] for name in ("small", "calls", "large", "decoding"))
    yield Figure(
        "warm submit, small body: own CPU",
        f"{small * 1e3:.2f} ms",
        f"{calls * 1e3:.2f} ms: model_validate_json and two SDK calls",
        small / calls,
        1.3,
    )
    yield Figure(
        "warm submit, 4 × 1 MB Base64: own CPU",
        f"{large * 1e3:.1f} ms",
        f"{decoding * 1e3:.1f} ms: b64decode of the same",
        large / decoding,
        1.5,
    )


@contextlib.contextmanager
def world() -> Iterator[dict[str, str]]:
    """AWS, played by another process, and the environment of a process that is to meet it."""
    with stub_aws(_SECRETS) as url:
        yield {
            **clean_environment(),
            **_memory_settings(),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "layers/kiln"), str(ROOT)]),
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            # It comes with the local AWS's command line; where Kiln runs there is none.
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


class Submit:
    """The function as a warm Lambda has it, and the event of a request."""

    def __init__(self) -> None:
        spec = importlib.util.spec_from_file_location("submit", ROOT / "functions/submit/app.py")
        if spec is None or spec.loader is None:
            raise AssertionError("the function has a file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self._handler = module.handler
        self._event: dict[str, Any] = json.loads((ROOT / "events/api-create.json").read_text("utf-8"))
        for headers, value in (("headers", f"Bearer {_KEY}"), ("multiValueHeaders", [f"Bearer {_KEY}"])):
            self._event[headers]["Authorization"] = value

    def __call__(self, body: str) -> None:
        answer = self._handler({**self._event, "body": body}, _Context())
        if answer["statusCode"] != 200:
            raise AssertionError(answer["body"])


class _Context:
    function_name = "submit"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:submit"
    aws_request_id = "bench"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 29_000


def _memory_settings() -> dict[str, str]:
    """How the template has the function's C library keep memory: both sides of the comparison run with it."""
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))
    variables = template["Resources"]["SubmitFunction"]["Properties"]["Environment"]["Variables"]
    return {name: value for name, value in variables.items() if name.startswith("MALLOC_")}


def large_body() -> str:
    """A request with four images of 1 MB each."""
    image = base64.b64encode(png_of(_IMAGE_BYTES)).decode()
    return json.dumps({**SMALL, "subject_image_list": [{"subject_image": image}] * 4})


def raw_calls(body: str) -> Callable[[], None]:
    """What a request cannot do without: reading it, counting it, storing it, by an SDK client as it comes."""
    client = boto3.client("dynamodb", config=Config(region_name="us-east-1"))
    item: dict[str, Any] = {
        "pk": {"S": "TASK#0123456789abcdef0123456789abcdef"},
        "prompt": {"S": SMALL["prompt"]},
        "inputs": {"L": [{"M": {"field": {"S": "subject_image_list[0].subject_image"}, "url": {"S": _URL}}}]},
        **{
            name: {"S": "0123456789abcdef"} for name in ("caller", "model_name", "aspect_ratio", "task_status", "queue")
        },
        **{
            name: {"N": "1700000000000"} for name in ("created_at", "updated_at", "n", "turn", "sequence", "expires_at")
        },
    }

    def run() -> None:
        _Plain.model_validate_json(body)
        client.update_item(
            TableName="table",
            Key={"pk": {"S": "CALLER#bench"}},
            UpdateExpression="ADD tasks :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        client.put_item(TableName="table", Item=item, ConditionExpression="attribute_not_exists(pk)")

    return run


def _cpu(run: Callable[[], object], times: int) -> float:
    before = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - before) / times


def ways(only: Collection[str] = ()) -> dict[str, Callable[[], object]]:
    """What is measured, and what it is measured against, each warm.

    Args:
        only: The names of those that are wanted; all if empty.
    """
    submit = Submit()
    small, large = json.dumps(SMALL), large_body()
    images = [each["subject_image"] for each in json.loads(large)["subject_image_list"]]
    found: dict[str, Callable[[], object]] = {
        "small": lambda: submit(small),
        "calls": raw_calls(small),
        "large": lambda: submit(large),
        "decoding": lambda: [base64.b64decode(image) for image in images],
    }
    wanted = {name: run for name, run in found.items() if not only or name in only}
    for run in wanted.values():
        run()
    return wanted


def main() -> None:
    """Measures everything by turns and writes the medians to the file of the first argument."""
    taken: dict[str, list[float]] = {}
    runs = ways()
    for _ in range(ROUNDS):
        for name, run in runs.items():
            taken.setdefault(name, []).append(_cpu(run, _TIMES[name]))
    medians = {name: statistics.median(each) for name, each in taken.items()}
    Path(sys.argv[1]).write_text(json.dumps(medians), encoding="utf-8")


if __name__ == "__main__":
    main()
