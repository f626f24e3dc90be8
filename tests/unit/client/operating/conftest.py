"""An installation for the commands for operators: fakes of AWS, and of Kiln's function for operators."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from kiln_cli.app import run
from kiln_cli.operating import session
from kiln_cli.operating.installation import Installation
from tests.support.short_way import shorten_s3, shorten_secrets_manager, shorten_sqs

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:kiln-task"


class DoesNotExist(Exception):
    """The error of the Step Functions client."""


@dataclass
class Operate:
    """A fake of the function for operators.

    Attributes:
        answers: Its answers, by operation; the last of several is repeated.
        events: The events it was invoked with, in order.
    """

    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    def will(self, operation: str, *results: dict[str, Any], refusal: str = "") -> None:
        self.answers[operation] = [{"refusal": refusal, "result": result} for result in results or ({},)]

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "kiln-operate"
        event = json.loads(Payload)
        self.events.append(event)
        left = self.answers[event["operation"]]
        answer = left.pop(0) if len(left) > 1 else left[0]
        broke = {"FunctionError": "Unhandled"} if "errorMessage" in answer else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **broke}


@dataclass
class Executions:
    """A fake of Step Functions.

    Attributes:
        histories: The events of an execution, by name.
        states: The answers of ``DescribeExecution``, by name.
        listed: The answers of ``ListExecutions``, by status.
        definition: The states of the deployed definition.
    """

    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    definition: dict[str, dict[str, Any]] = field(default_factory=dict)
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(ExecutionDoesNotExist=DoesNotExist))

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_execution_history"
        return self

    def paginate(self, *, executionArn: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        name = executionArn.rpartition(":")[2]
        if name not in self.histories:
            raise DoesNotExist
        yield {"events": self.histories[name]}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        name = executionArn.rpartition(":")[2]
        if name not in self.states:
            raise DoesNotExist
        return self.states[name]

    def describe_state_machine(self, *, stateMachineArn: str) -> dict[str, Any]:  # noqa: N803
        assert stateMachineArn == MACHINE
        return {"definition": json.dumps({"States": self.definition})}

    def list_executions(self, *, stateMachineArn: str, statusFilter: str, maxResults: int) -> dict[str, Any]:  # noqa: N803
        assert (stateMachineArn, maxResults) == (MACHINE, 100)
        return {"executions": self.listed.get(statusFilter, [])}


@pytest.fixture
def operate() -> Operate:
    """The function for operators."""
    return Operate()


@pytest.fixture
def histories() -> Executions:
    """The executions in Step Functions."""
    return Executions()


@pytest.fixture(scope="package")
def _aws() -> Iterator[tuple[Any, dict[str, Any]]]:
    """A session and its clients, created once because that is slow."""
    with mock_aws():
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        clients = {service: session.client(service) for service in ("secretsmanager", "sqs", "s3")}
        shorten_secrets_manager(clients["secretsmanager"])
        shorten_sqs(clients["sqs"])
        shorten_s3(clients["s3"])
        yield session, clients


@pytest.fixture
def installation(operate: Operate, histories: Executions, _aws: tuple[Any, dict[str, Any]]) -> Iterator[Installation]:
    """A stack with the resources that its outputs name."""
    session, clients = _aws
    made = Installation("kiln", session)
    made._clients.update(clients)
    secrets, sqs, s3 = made.client("secretsmanager"), made.client("sqs"), made.client("s3")
    for bucket in ("inbox", "inputs", "outbox"):
        s3.create_bucket(Bucket=f"kiln-{bucket}")
    queues = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("inbox", "dead", "unstarted")}
    made.__dict__["outputs"] = {
        "ApiUrl": "https://kiln.test",
        "CallersSecretArn": secrets.create_secret(Name="callers", SecretString='{"callers": []}')["ARN"],
        "ProviderSecretArn": secrets.create_secret(Name="provider", SecretString='{"webhook_secret": "w"}')["ARN"],
        "OperateFunctionName": "kiln-operate",
        "TableName": "kiln-table",
        "StateMachineArn": MACHINE,
        "NotificationWorkflowArn": f"{MACHINE}-notification",
        "InboxQueueUrl": queues["inbox"],
        "InboxDeadLettersUrl": queues["dead"],
        "UnstartedTasksUrl": queues["unstarted"],
        **{f"{name}BucketName": f"kiln-{name.lower()}" for name in ("Inbox", "Inputs", "Outbox")},
    }
    made.__dict__["parameters"] = {"CallerTasksPerMinute": "600"}
    made._clients.update({"lambda": operate, "stepfunctions": histories})
    yield made
    for service in (*clients, "logs"):
        get_backend(service)[DEFAULT_ACCOUNT_ID].reset()


@dataclass
class Result:
    """The result of a command.

    Attributes:
        status: Its exit status.
        out: Its stdout.
        err: Its stderr.
    """

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def kiln(installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``kiln`` for this installation."""
    monkeypatch.setattr(session, "find_installation", lambda *_: installation)

    def call(*arguments: str) -> Result:
        status = run(list(arguments))
        written = capsys.readouterr()
        return Result(status, written.out, written.err)

    return call
