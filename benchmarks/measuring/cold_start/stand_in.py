"""A stand-in for AWS and the provider: one process with canned answers, whose work is not measured."""

from __future__ import annotations

import contextlib
import io
import json
import zlib
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from benchmarks import ROOT
from benchmarks.measuring.child_process import serve, serving

EVENTS = ROOT / "events"
SECRETS = {
    "provider": {"access_key": "access", "secret_key": "provider-secret-key-of-32-characters"},
    "callers": {
        "callers": [{"name": "ada", "api_keys": ["ada-plain-key"], "webhook_secret": "whsec_dGVzdHNlY3JldA=="}]
    },
    "signing": {"key": "signing-key-of-the-measurements-that-is-long-enough"},
}

ENDED_TASK_ID = "ed1e2d3c4b5a69788796a5b4c3d2e1f0"
"""A task that has succeeded; every other one is at the provider."""

_COUNTERS = {"tasks": {"N": "7"}, "finish_tag": {"N": "1007"}}


class _Services(BaseHTTPRequestHandler):
    """Answers for AWS by the operation's header, for S3 and the provider by verb and path."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers.get("X-Amz-Target", "").partition(".")[2]
        if operation:
            self._answer(_aws(operation, json.loads(body), self.headers["Host"]))
        else:
            self._answer(_provider_task("submitted"))

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if "versions" in urlsplit(self.path).query:
            self._send(b"<ListVersionsResult></ListVersionsResult>", "application/xml")
        elif path.startswith("/image"):
            self._send(_png(), "image/png")
        else:
            host = self.headers["Host"]
            self._answer(_provider_task("succeed", f"http://{host}/image/0.png"))

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._send(b"", "application/xml", {"ETag": '"0"', "x-amz-request-id": "0"})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""

    def _answer(self, answer: object) -> None:
        body = json.dumps(answer).encode()
        # DynamoDB sends a checksum of its answer, which botocore checks.
        self._send(body, "application/x-amz-json-1.0", {"x-amzn-RequestId": "0", "x-amz-crc32": str(zlib.crc32(body))})

    def _send(self, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _aws(operation: str, request: dict[str, Any], host: str) -> object:
    if operation == "GetSecretValue":
        return {"ARN": request["SecretId"], "SecretString": json.dumps(SECRETS[request["SecretId"]])}
    if operation == "GetItem":
        key = request["Key"]["pk"]["S"]
        if key.startswith("TASK#"):
            return {"Item": _task(key, host)}
        return {} if key.startswith("EXTERNAL#") else {"Item": _COUNTERS}
    if operation == "BatchGetItem":
        return {"Responses": {table: [_found(key, host) for key in asked["Keys"]] for table, asked in _asked(request)}}
    if operation == "UpdateItem":
        key = request["Key"]["pk"]["S"]
        return {
            "Attributes": {**_task(key, host), "task_token": {"S": "parked"}} if key.startswith("TASK#") else _COUNTERS
        }
    if operation == "PutEvents":
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "0"}]}
    if operation == "Query":
        return {"Items": [], "Count": 0}
    if operation == "StartExecution":
        return {"executionArn": "arn:aws:states:us-east-1:123456789012:execution:kiln:0", "startDate": 1722769557}
    return {}


def _asked(request: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(request["RequestItems"].items())


def _found(key: dict[str, Any], host: str) -> dict[str, Any]:
    return {**(_item(host) if key["pk"]["S"].startswith("TASK#") else _COUNTERS), **key}


def _task(key: str, host: str) -> dict[str, Any]:
    ended = {"task_id": {"S": ENDED_TASK_ID}, "task_status": {"S": "succeed"}}
    return {**_item(host), **(ended if key.endswith(ENDED_TASK_ID) else {})}


@cache
def _item(host: str) -> dict[str, Any]:
    """Return the task of the sample events, after its dispatch."""
    record = json.loads((EVENTS / "table-new-task.json").read_text("utf-8"))["Records"][0]
    item = {name: value for name, value in record["dynamodb"]["NewImage"].items() if name not in ("queue", "turn")}
    return {**item, "dispatch_attempts": {"N": "1"}, "callback_url": {"S": f"http://{host}/hook"}}


def _provider_task(status: str, image: str = "") -> object:
    result = {"images": [{"index": 0, "url": image}]} if image else {}
    task = {"task_id": "829471150163771431", "task_status": status, "task_result": result, "created_at": 1722769557708}
    return {"code": 0, "message": "SUCCEED", "request_id": "0", "data": task}


@cache
def _png() -> bytes:
    from PIL import Image  # noqa: PLC0415 - only one function's measurement needs it

    buffer = io.BytesIO()
    Image.new("RGB", (400, 400), "orange").save(buffer, "PNG")
    return buffer.getvalue()


@contextlib.contextmanager
def stand_in() -> Iterator[str]:
    """Run it, and yield its address."""
    with serving("benchmarks.measuring.cold_start.stand_in") as address:
        yield address


def main() -> None:
    """Serve until stdin ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Services)
    server.daemon_threads = True
    serve(f"http://127.0.0.1:{server.server_port}", server.serve_forever)


if __name__ == "__main__":
    main()
