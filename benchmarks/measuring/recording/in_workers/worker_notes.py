"""Notes what a function calls and computes. Runs in the Lambda workers, before Kiln is imported.

Each process writes a file in ``KILN_RECORDING_DIR``: one line of JSON for each call to the outside and for each
invocation. Deployed functions do not contain this.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import wrapt

FILE = Path(os.environ.get("KILN_RECORDING_DIR", ".")) / f"{os.getpid()}.jsonl"

_invocation = ""
_served = 0


def install() -> None:
    """Wrap the libraries that call the outside, and the handler, as soon as each is imported."""
    wrapt.register_post_import_hook(_wrap_handler, "app")
    wrapt.register_post_import_hook(_wrap_aws, "botocore.client")
    wrapt.register_post_import_hook(_wrap_httpx, "httpx")
    wrapt.register_post_import_hook(_wrap_urllib3, "urllib3.poolmanager")


def _note(**line: Any) -> None:
    line |= {"invocation": _invocation, "function": os.environ["AWS_LAMBDA_FUNCTION_NAME"], "at": time.time()}
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, default=str) + "\n")


def _wrap_handler(module: Any) -> None:
    handle = module.handler

    def handler(event: Any, context: Any) -> Any:
        global _invocation, _served  # noqa: PLW0603 - a worker runs one invocation at a time
        _invocation, _served = uuid.uuid4().hex, _served + 1
        # The CPU time before the first invocation is the cost of a cold start.
        spent_before = time.process_time()
        cpu, wall = spent_before, time.perf_counter()
        try:
            return handle(event, context)
        finally:
            _note(
                kind="invocation",
                is_api=isinstance(event, dict) and "httpMethod" in event,
                messages=sum(each.get("eventSource") == "aws:sqs" for each in _records(event)),
                cold=_served == 1,
                init_cpu_ms=round(spent_before * 1_000, 1) if _served == 1 else 0.0,
                cpu_ms=round((time.process_time() - cpu) * 1_000, 1),
                wall_ms=round((time.perf_counter() - wall) * 1_000, 1),
            )
            _invocation = ""

    module.handler = handler


def _records(event: Any) -> list[dict[str, Any]]:
    return event.get("Records", []) if isinstance(event, dict) else []


def _wrap_aws(module: Any) -> None:
    make = module.BaseClient._make_api_call  # noqa: SLF001 - every call of every client passes through here

    def make_api_call(self: Any, operation: str, parameters: Any) -> Any:
        line = {"kind": "aws", "service": self.meta.service_model.service_name, "operation": operation, "failed": ""}
        if line["service"] == "dynamodb":
            line |= {"table_call": {name: parameters[name] for name in _OF_A_TABLE_CALL if name in parameters}}
        try:
            answer = make(self, operation, parameters)
        except Exception as error:
            line["failed"] = type(error).__name__
            raise
        else:
            if line["service"] == "dynamodb":
                line["items"] = [answer["Item"]] if "Item" in answer else answer.get("Items", [])
            return answer
        finally:
            _note(**line)

    module.BaseClient._make_api_call = make_api_call  # noqa: SLF001


_OF_A_TABLE_CALL = ("Key", "Item", "IndexName", "ConsistentRead", "ProjectionExpression", "TransactItems")


def _wrap_httpx(module: Any) -> None:
    send = module.Client.send

    def send_request(self: Any, request: Any, **how: Any) -> Any:
        _note(kind="http", method=request.method, host=request.url.host, port=request.url.port)
        return send(self, request, **how)

    module.Client.send = send_request


def _wrap_urllib3(module: Any) -> None:
    urlopen = module.PoolManager.urlopen

    def open_url(self: Any, method: str, url: str, *arguments: Any, **how: Any) -> Any:
        _note(kind="bytes", method=method, port=urlsplit(url).port)
        return urlopen(self, method, url, *arguments, **how)

    module.PoolManager.urlopen = open_url
