"""A warm ``submit`` and the same work by the plain SDK, as functions that can be called repeatedly.

Runs as a separate process.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.config import Config
from pydantic import BaseModel, Field

from benchmarks import ROOT
from benchmarks.measuring.sample_images import base64_of, png_of

ROUNDS = 25
_TIMES = {"small": 40, "small_plain": 40, "large": 4, "large_plain": 4}
"""Calls in a round: enough for the clock, few enough that all ways meet the same load of the machine."""

API_KEY = "bench-key"
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
    """The plainest model of a request: its images are strings."""

    model_name: Literal["kling-v2"] = "kling-v2"
    prompt: str | None = Field(default=None, max_length=2_500)
    subject_image_list: list[_Subject] = Field(min_length=1, max_length=4)
    n: int = Field(default=1, ge=1, le=9)
    aspect_ratio: Literal["16:9", "1:1"] = "16:9"


class Submit:
    """The function in a warm Lambda, called with a request's body."""

    def __init__(self) -> None:
        spec = importlib.util.spec_from_file_location("submit", ROOT / "functions/submit/app.py")
        if spec is None or spec.loader is None:
            raise AssertionError("the function has a file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self._handler = module.handler
        self._event: dict[str, Any] = json.loads((ROOT / "events/api-create.json").read_text("utf-8"))
        for headers, value in (("headers", f"Bearer {API_KEY}"), ("multiValueHeaders", [f"Bearer {API_KEY}"])):
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


def large_body() -> str:
    """Return a request with four images of 1 MB each."""
    image = base64_of(png_of(_IMAGE_BYTES))
    return json.dumps({**SMALL, "subject_image_list": [{"subject_image": image}] * 4})


def plain(body: str) -> Callable[[], None]:
    """Return the same work by the plain SDK: read the JSON, store each image, count the task and store it.

    The clients have default settings. There is no check of an image, no log and no metric.
    """
    config = Config(region_name="us-east-1", s3={"addressing_style": "path"})
    dynamodb, s3 = boto3.client("dynamodb", config=config), boto3.client("s3", config=config)
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
        request = _Plain.model_validate_json(body)
        for number, each in enumerate(request.subject_image_list):
            if not each.subject_image.startswith("https://"):
                content = base64.b64decode(each.subject_image)
                s3.put_object(Bucket="inputs", Key=f"task/subject-{number}.png", Body=content, ContentType="image/png")
        dynamodb.update_item(
            TableName="table",
            Key={"pk": {"S": "CALLER#bench"}},
            UpdateExpression="ADD tasks :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        dynamodb.put_item(TableName="table", Item=item, ConditionExpression="attribute_not_exists(pk)")

    return run


def _cpu(run: Callable[[], object], times: int) -> float:
    before = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - before) / times


def ways() -> dict[str, Callable[[], object]]:
    """Return what is measured and its references, each warm."""
    submit = Submit()
    small, large = json.dumps(SMALL), large_body()
    found: dict[str, Callable[[], object]] = {
        "small": lambda: submit(small),
        "small_plain": plain(small),
        "large": lambda: submit(large),
        "large_plain": plain(large),
    }
    for run in found.values():
        run()
    return found


def main() -> None:
    """Measure all ways in turn, and write the medians to the file of the first argument."""
    taken: dict[str, list[float]] = {}
    runs = ways()
    for _ in range(ROUNDS):
        for name, run in runs.items():
            taken.setdefault(name, []).append(_cpu(run, _TIMES[name]))
    medians = {name: statistics.median(each) for name, each in taken.items()}
    Path(sys.argv[1]).write_text(json.dumps(medians), encoding="utf-8")


if __name__ == "__main__":
    main()
