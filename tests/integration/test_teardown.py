"""``kiln teardown`` names what blocks a deletion, stops what runs, and leaves images alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kiln_cli.app import run
from local.stack import TASKS_PATH, Options, Stack
from tests.integration.client import NEVER, PATIENCE_S, job, wait_until


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KILN_STACK", raising=False)
    with Stack(Options(tmp_path / ".kiln", provider_arguments=["--task-seconds", str(NEVER)])) as running:
        yield running


def test_teardown_stops_workflows_names_blockers_and_deletes_when_asked(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    here, aws = stack.description, stack.clients
    answer = httpx.post(
        f"{here['api_url']}{TASKS_PATH}",
        json=job(),
        headers={"Authorization": f"Bearer {here['api_key']}"},
        trust_env=False,
        timeout=PATIENCE_S,
    )
    assert answer.status_code == 200, answer.text
    machine = here["state_machine_arn"]

    def running() -> int:
        return len(aws.stepfunctions.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"])

    wait_until(running, "the workflow runs")
    aws.events.put_rule(Name="of-another", EventBusName=here["event_bus"], EventPattern='{"source": ["kiln"]}')
    aws.s3.put_object(Bucket=here["outbox_bucket"], Key="tasks/kept/0.png", Body=b"an image")

    assert run(["teardown", "another"]) == 2
    assert "expected the name of the stack kiln, got another" in capsys.readouterr().err

    assert run(["teardown", "kiln", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert running() == 1
    assert (found["stopped"], found["deleted"]) == (0, False)
    blocking = " ".join(found["blocking"])
    assert "1 workflows run" in blocking
    assert "rule of-another on the bus" in blocking
    assert "kiln-local-events" not in blocking
    assert "the bucket of inputs is not empty" in blocking
    assert "Broken" not in blocking

    assert run(["teardown", "kiln", "--delete"]) == 1
    assert "kiln is not deleted" in capsys.readouterr().err
    assert running() == 0

    aws.events.delete_rule(Name="of-another", EventBusName=here["event_bus"])
    inputs = [each["Name"] for each in aws.s3.list_buckets()["Buckets"] if "inputs" in each["Name"]]
    for each in aws.s3.list_objects_v2(Bucket=inputs[0])["Contents"]:
        aws.s3.delete_object(Bucket=inputs[0], Key=each["Key"])
    assert run(["teardown", "kiln", "--delete", "--timeout", str(int(PATIENCE_S)), "--json"]) == 0, (
        capsys.readouterr().err
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["deleted"], found["blocking"]) == (True, [])
    assert found["kept"]["OutboxBucketName"] == here["outbox_bucket"]
    assert aws.s3.get_object(Bucket=here["outbox_bucket"], Key="tasks/kept/0.png")["Body"].read() == b"an image"
    assert aws.dynamodb.describe_table(TableName=here["table"])["Table"]["TableStatus"] == "ACTIVE"
