"""Calls the handlers as Lambda does: each function's ``app.py`` on its own, with the sample events of ``events/``."""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from types import ModuleType
from typing import Any

from tests.support.account import ROOT
from tests.support.fakes import LambdaContext

TASK_ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
"""The task that the sample events are about."""

SAMPLE_TOKEN = "Yb0M3cC2f7uKp1xq9sVd5tWz8aLhR4eN"


def sample(name: str, **changes: Any) -> dict[str, Any]:
    """A sample event, with top-level changes."""
    event: dict[str, Any] = json.loads((ROOT / f"events/{name}.json").read_text("utf-8"))
    return {**event, **changes}


def with_headers(event: dict[str, Any], **headers: str | None) -> dict[str, Any]:
    """The same request with other headers; ``None`` takes one out. Underscores stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    merged = {name: value for name, value in {**event["headers"], **named}.items() if value is not None}
    return {**event, "headers": merged, "multiValueHeaders": {name: [value] for name, value in merged.items()}}


@cache
def function(name: str) -> ModuleType:
    """A function's module, loaded once as a warm Lambda has it."""
    spec = importlib.util.spec_from_file_location(f"functions_{name}", ROOT / f"functions/{name}/app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def invoke(name: str, event: dict[str, Any]) -> Any:
    """Returns the answer of a function to an event."""
    return function(name).handler(event, LambdaContext())


def call(name: str, event: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """HTTP status, body and headers that a function behind API Gateway answers with."""
    answer = invoke(name, event)
    headers = {header: values[0] for header, values in answer["multiValueHeaders"].items()}
    return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else {}, headers
