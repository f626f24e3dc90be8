"""Plays what the layer talks to and AWS's in-process double does not cover: Step Functions, the provider, HTTP."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3
from botocore.exceptions import ClientError

from kiln.provider import ProviderError, ProviderTask, Verdict
from kiln.provider.answers import read_task


class Accepted:
    """The tasks that the table holds, and so those that were accepted."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, task_id: str) -> bool:
        return task_id in list(iter(self))

    def __iter__(self) -> Iterator[str]:
        for item in self._dynamodb.scan(TableName=self._table)["Items"]:
            if item["pk"]["S"].startswith("TASK#"):
                yield item["task_id"]["S"]


class ExecutionAlreadyExists(Exception):
    """As the Step Functions client raises it."""


class ExecutionDoesNotExist(Exception):
    """As the Step Functions client raises it."""


@dataclass
class StepFunctions:
    """Step Functions, as far as the layer uses it.

    Attributes:
        started: Input by execution name.
        succeeded: The task tokens that were handed in.
        refusal: The error code that ``SendTaskSuccess`` answers with, if any.
        outage: What ``StartExecution`` raises, if anything.
        ended: What became of an execution, by name: a status, and the error it was stopped with.
    """

    started: dict[str, dict[str, Any]] = field(default_factory=dict)
    succeeded: list[str] = field(default_factory=list)
    refusal: str = ""
    outage: Exception | None = None
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)
    exceptions: Any = field(
        default_factory=lambda: SimpleNamespace(
            ExecutionAlreadyExists=ExecutionAlreadyExists, ExecutionDoesNotExist=ExecutionDoesNotExist
        )
    )

    def __contains__(self, task_id: str) -> bool:
        return task_id in self.started

    def __len__(self) -> int:
        return len(self.started)

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: A002, N803
        assert stateMachineArn.startswith("arn:aws:states:")
        if self.outage:
            raise self.outage
        if name in self.started:
            raise ExecutionAlreadyExists
        self.started[name] = json.loads(input)
        return {}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        name = executionArn.rpartition(":")[2]
        if name not in self.started and name not in self.ended:
            raise ExecutionDoesNotExist
        status, error = self.ended.get(name, ("RUNNING", ""))
        execution_input = json.dumps(self.started.get(name, {}))
        return {"executionArn": executionArn, "name": name, "status": status, "error": error, "input": execution_input}

    def stop_execution(self, *, executionArn: str, error: str, cause: str) -> dict[str, Any]:  # noqa: N803
        assert cause
        self.ended[executionArn.rpartition(":")[2]] = ("ABORTED", error)
        return {}

    def send_task_success(self, *, taskToken: str, output: str) -> dict[str, Any]:  # noqa: N803
        assert json.loads(output) == {}
        if self.refusal:
            raise client_error(self.refusal)
        self.succeeded.append(taskToken)
        return {}


@dataclass
class FakeProvider:
    """A provider account with scripted errors.

    Attributes:
        tasks: What it has, by external id.
        created: The requests that made a task.
        queried: The ids that were asked for, in order.
        create_errors: Raised by the next creates, one each; a tuple's second element says that the task is made.
        query_errors: Raised by the next queries, one each.
    """

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: list[dict[str, Any]] = field(default_factory=list)
    queried: list[str] = field(default_factory=list)
    create_errors: list[tuple[ProviderError, bool]] = field(default_factory=list)
    query_errors: list[ProviderError] = field(default_factory=list)

    def create(self, request: Mapping[str, Any]) -> ProviderTask:
        error, is_made = self.create_errors.pop(0) if self.create_errors else (None, True)
        external = request["external_task_id"]
        if is_made:
            if external in self.tasks:
                raise ProviderError(Verdict.DUPLICATE, f"External_task_id {external} already exists", 1201)
            self.created.append(dict(request))
            self.tasks[external] = {"task_id": f"at-provider-{len(self.created)}", "task_status": "submitted"}
        if error is not None:
            raise error
        return _task(self.tasks[external])

    def query(self, either_id: str, external_task_id: str = "") -> ProviderTask:  # noqa: ARG002
        self.queried.append(either_id)
        if self.query_errors:
            raise self.query_errors.pop(0)
        for external, task in self.tasks.items():
            if either_id in (external, task["task_id"]):
                return _task(task)
        raise ProviderError(Verdict.MISSING, f"Task not found by id/external id: {either_id}", 1201)

    def has(self, external_id: str, **fields: Any) -> None:
        """Puts a task there."""
        self.tasks[external_id] = {"task_id": "at-provider-1", "task_status": "submitted", **fields}


def _task(data: dict[str, Any]) -> ProviderTask:
    task = read_task(data)
    assert task is not None
    return task


class HttpPool:
    """A urllib3 pool without sockets: answers ``GET`` from a table and keeps what is ``PUT``.

    Args:
        sources: By URL: an answer, or a function that makes one (or raises).
        put_status: What S3 answers.
    """

    def __init__(self, sources: Mapping[str, Any], put_status: int = 200) -> None:
        self._sources = sources
        self._put_status = put_status
        self.stored: dict[str, bytes] = {}
        self.stored_headers: dict[str, Mapping[str, str]] = {}

    def request(self, method: str, url: str, **options: Any) -> Any:
        path = url.partition("?")[0]
        if method == "GET":
            source = http_answer(self.stored[path]) if path in self.stored else self._sources[url]
            return source() if callable(source) else source
        body = options["body"]
        content = body if isinstance(body, bytes) else b"".join(body)
        # S3 puts an object together only when it gets as many bytes as Content-Length says.
        assert len(content) == int(options["headers"]["Content-Length"])
        if self._put_status == 200:
            self.stored[path] = content
            self.stored_headers[path] = options["headers"]
        return SimpleNamespace(status=self._put_status)


class SignedPuts:
    """A urllib3 pool without sockets: what is ``PUT`` through a signed link lands in S3's in-process double.

    Args:
        s3: The client of the double.
        status: What S3 answers; it keeps what it answers 200 to.
    """

    def __init__(self, s3: Any, status: int = 200) -> None:
        self._s3 = s3
        self._status = status
        self.options: list[dict[str, Any]] = []

    def request(self, method: str, url: str, *, body: bytes, headers: Mapping[str, str], **options: Any) -> Any:
        link = urlsplit(url)
        assert method == "PUT"
        assert headers["Content-Length"] == str(len(body))
        signed = parse_qs(link.query)["X-Amz-SignedHeaders"][0].split(";")
        assert {"content-type", "host", "x-amz-checksum-crc32"} == set(signed)
        assert base64.b64decode(headers["x-amz-checksum-crc32"]) == zlib.crc32(body).to_bytes(4, "big")
        self.options.append(options)
        if self._status == 200:
            bucket = str(link.hostname).partition(".")[0]
            key, kind = unquote(link.path.removeprefix("/")), headers["Content-Type"]
            self._s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind)
        return SimpleNamespace(status=self._status)


def http_answer(
    content: bytes | Iterator[bytes], status: int = 200, *, announced: int | None = None, is_chunked: bool = False
) -> Callable[[], urllib3.HTTPResponse]:
    """Makes answers of urllib3's own class, so that they end, break and decode as real ones do.

    Args:
        content: The body.
        status: The HTTP status.
        announced: ``Content-Length``, when it is not the body's.
        is_chunked: Leave ``Content-Length`` out.
    """

    def answer() -> urllib3.HTTPResponse:
        body = content if isinstance(content, bytes) else b"".join(content)
        headers = {} if is_chunked else {"Content-Length": str(len(body) if announced is None else announced)}
        return urllib3.HTTPResponse(
            io.BytesIO(body), headers=headers, status=status, preload_content=False, request_method="GET"
        )

    return answer


def client_error(code: str) -> ClientError:
    """An error as boto3's clients raise it."""
    return ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


@dataclass
class LambdaContext:
    """The context that Lambda passes to a handler."""

    function_name: str = "kiln-function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:kiln-function"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
