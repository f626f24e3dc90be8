"""``kiln acceptance`` passes against a local stack, and leaves the stack as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiln_cli.app import run
from local.stack import Options, Stack
from tests.integration.client import wait_until

PARAMETERS = {
    "PollAfterSeconds": "2",
    "ProviderSlots": "2",
    # Few enough for the check of the burst, and more than all other checks need.
    "ApiRequestsPerSecond": "8",
    "ApiBurst": "60",
    # More than the run has tasks.
    "CallerTasksPerMinute": "25",
}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """A stack that the command finds in the present folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KILN_STACK", raising=False)
    options = Options(
        tmp_path / ".kiln",
        parameters=PARAMETERS,
        aws_environment={"SFN_WAIT_SCALE": "0.2"},
        # The request by event takes a generated image as its subject, so the image must be large enough.
        provider_arguments=["--task-seconds", "0.4", "--pixels", "160000"],
    )
    with Stack(options) as running:
        yield running


def things(stack: Stack) -> dict[str, Any]:
    """Everything that a run could leave behind, apart from tasks."""
    here, aws = stack.description, stack.clients
    buckets = [each["Name"] for each in aws.s3.list_buckets()["Buckets"] if "artifacts" not in each["Name"]]
    return {
        "queues": sorted(aws.sqs.list_queues()["QueueUrls"]),
        "rules": sorted(each["Name"] for each in aws.events.list_rules(EventBusName=here["event_bus"])["Rules"]),
        "callers": aws.secretsmanager.get_secret_value(SecretId=here["callers_secret_arn"])["SecretString"],
        "alarms": sorted(each["AlarmName"] for each in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]),
        "aliases": _aliases(aws),
        "objects": {name: _keys(aws, name) for name in buckets},
        "slots": aws.dynamodb.get_item(TableName=here["table"], Key={"pk": {"S": "SLOTS"}})
        .get("Item", {})
        .get("holders"),
    }


def _aliases(aws: Any) -> list[tuple[str, str]]:
    resource = aws.cloudformation.describe_stack_resource(StackName="kiln", LogicalResourceId="QueryFunction")
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    found = aws.client("lambda").list_aliases(FunctionName=name)["Aliases"]
    return [(each["Name"], each["FunctionVersion"]) for each in found]


def _keys(aws: Any, bucket: str) -> list[str]:
    found = aws.s3.list_object_versions(Bucket=bucket)
    return sorted(each["Key"] for each in found.get("Versions", []))


def test_acceptance_passes_and_leaves_nothing_behind(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = things(stack)
    status = run(["acceptance", "--report", "report.md", "--json"])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    found = json.loads(printed.out)
    outcomes = {(each["area"], each["check"]): each["outcome"] for each in found["findings"]}
    assert found["failed"] == []
    assert {area for area, _ in outcomes} >= {
        *("routes", "keys", "limits", "browsers", "uploads", "buckets", "functions", "alarms", "provider"),
        *("create", "task", "links", "progress", "latency", "events", "webhooks", "workflow", "drop", "event"),
        *("retry", "cancel", "logs"),
    }
    # The local AWS can prove everything but three things.
    left_out = {check for (_, check), outcome in outcomes.items() if outcome == "skipped"}
    assert left_out == {
        "a forged signature is refused",
        "a request without TLS is refused",
        "X-Ray has traces",
    }
    assert "**" in (tmp_path / "report.md").read_text("utf-8")
    # The last workflows of the run may still be ending.
    wait_until(lambda: things(stack)["slots"] == before["slots"], "no slot is held")
    assert things(stack) == before


def test_acceptance_without_a_budget_creates_no_task_and_finds_a_missing_alias(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = stack.clients.cloudformation.describe_stack_resource(StackName="kiln", LogicalResourceId="QueryFunction")
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    stack.clients.client("lambda").delete_alias(FunctionName=name, Name="live")
    assert run(["acceptance", "--budget", "0", "--requests", "1", "--report", "report.md", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    outcomes = {each["check"]: each["outcome"] for each in found["findings"]}
    assert outcomes["tasks"] == "skipped"
    assert any(each.startswith(("aliases", "functions")) for each in found["failed"])
    answer = stack.clients.stepfunctions.list_executions(stateMachineArn=stack.description["state_machine_arn"])
    assert answer["executions"] == []
