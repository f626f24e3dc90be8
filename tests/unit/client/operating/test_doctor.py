"""``kiln doctor``: a well installation passes, and each problem is found with its next step."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from kiln_cli.operating import checks
from kiln_cli.operating.installation import Installation
from tests.support.operating import STATUS
from tests.unit.client.operating.conftest import Executions, Operate, Run

API_KEY = "the-api-key-of-the-shop"
NESTED = "arn:aws:cloudformation:us-east-1:123456789012:stack/kiln-MonitoringStack/1"


class Api:
    """A fake of the API.

    Attributes:
        clock_off: The error of its clock in seconds.
        broken: Its answer to every request, if set.
    """

    def __init__(self) -> None:
        self.clock_off = 0.0
        self.broken: httpx.Response | Exception | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        headers = {"date": formatdate(time.time() + self.clock_off, usegmt=True)}
        if isinstance(self.broken, Exception):
            raise self.broken
        if self.broken is not None:
            return self.broken
        if request.url.path.startswith("/v1/callbacks/"):
            return httpx.Response(404, json={"code": 1203}, headers=headers)
        if request.headers.get("authorization") == f"Bearer {API_KEY}":
            return httpx.Response(200, json={"code": 0, "data": []}, headers=headers)
        return httpx.Response(401, json={"code": 1001}, headers=headers)


class Alarms:
    """Fakes of CloudWatch's alarms and of CloudFormation's list of them."""

    def __init__(self, **states: str) -> None:
        self._states = states

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=getattr(self, operation))

    def list_stack_resources(self, *, StackName: str) -> list[dict[str, Any]]:  # noqa: N803
        listed = {
            "kiln": [("Queue", "q", "AWS::SQS::Queue"), ("MonitoringStack", NESTED, "AWS::CloudFormation::Stack")],
            NESTED: [(name, f"kiln-{name}", "AWS::CloudWatch::Alarm") for name in self._states],
        }
        keys = ("LogicalResourceId", "PhysicalResourceId", "ResourceType")
        return [{"StackResourceSummaries": [dict(zip(keys, each, strict=True)) for each in listed[StackName]]}]

    def describe_alarms(self, *, AlarmNames: list[str]) -> list[dict[str, Any]]:  # noqa: N803
        alarms = [
            {
                "AlarmName": f"kiln-{name}",
                "StateValue": state,
                "StateReason": "crossed",
                "AlarmDescription": "It is bad: docs/runbook.md#missed-callbacks",
            }
            for name, state in self._states.items()
        ]
        assert set(AlarmNames) == {each["AlarmName"] for each in alarms}
        return [{"MetricAlarms": alarms}]


def put_callers(installation: Installation, *callers: dict[str, Any]) -> None:
    installation.client("secretsmanager").put_secret_value(
        SecretId=installation.output("CallersSecretArn"), SecretString=json.dumps({"callers": callers})
    )


def put_alarms(installation: Installation, **states: str) -> None:
    installation._clients |= {"cloudformation": Alarms(**states), "cloudwatch": Alarms(**states)}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """A fake of the API."""
    fake = Api()
    plain = httpx.Client
    monkeypatch.setattr(
        "kiln_cli.operating.doctor.httpx.Client",
        lambda **options: plain(transport=httpx.MockTransport(fake), **options),
    )
    return fake


@pytest.fixture(autouse=True)
def _well(installation: Installation, operate: Operate, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without problems."""
    monkeypatch.setattr(checks, "_RELEASE_SECONDS", 0)
    put_callers(installation, {"name": "shop", "access_key": "a", "api_keys": [API_KEY]})
    put_alarms(installation, ProviderAccountAlarm="OK", UnstartedTasksAlarm="INSUFFICIENT_DATA")
    operate.will("check-provider", {"accepted": True, "provider_url": "https://provider.test", "reason": ""})
    operate.will("status", STATUS)


def wrong(kiln: Run) -> dict[str, dict[str, Any]]:
    """The failed checks, by name."""
    examined = kiln("doctor", "--json")
    assert examined.json["is_well"] is (examined.status == 0)
    return {each["check"]: each for each in examined.json["findings"] if not each["is_well"]}


def test_healthy_installation_passes(kiln: Run) -> None:
    assert wrong(kiln) == {}
    examined = kiln("doctor")
    assert examined.status == 0
    assert not any("todo" in each for each in kiln("doctor", "--json").json["findings"])
    assert all(line.startswith("✓ ") for line in examined.out.splitlines())
    assert API_KEY not in examined.out


def test_failed_check_prints_the_next_step(kiln: Run, operate: Operate) -> None:
    refused = {"accepted": False, "provider_url": "https://provider.test", "reason": "Auth failed (code 1000)"}
    operate.will("check-provider", refused)
    examined = kiln("doctor")
    assert examined.status == 1
    assert "✗ provider's keys: https://provider.test refuses them: Auth failed (code 1000)" in examined.out
    assert "    → docs/runbook.md#provider-account" in examined.out
    assert "1 of " in examined.err


def test_refused_keys_of_one_account_are_found(kiln: Run, operate: Operate) -> None:
    accounts = [
        {"name": "a", "accepted": True, "is_draining": False, "reason": ""},
        {"name": "b", "accepted": False, "is_draining": True, "reason": "Auth failed"},
    ]
    answer = {"accepted": False, "provider_url": "https://provider.test", "reason": "b: …", "accounts": accounts}
    operate.will("check-provider", answer)
    (found,) = wrong(kiln).values()
    assert found["check"] == "provider's keys of b"
    assert found["says"] == "https://provider.test refuses them: Auth failed (draining)"
    assert found["todo"] == "store other keys with kiln provider-keys set b"


@pytest.mark.parametrize("off", [-60, 60])
def test_wrong_clock_is_found(kiln: Run, api: Api, off: int) -> None:
    api.clock_off = off
    assert list(wrong(kiln)) == ["clock"]


def test_unreachable_api_is_found(kiln: Run, api: Api) -> None:
    api.broken = httpx.ConnectError("refused")
    assert set(wrong(kiln)) == {"API", "callers' secret", "callback route"}


def test_broken_api_is_found(kiln: Run, api: Api) -> None:
    api.broken = httpx.Response(502, text="Bad Gateway")
    found = wrong(kiln)
    assert set(found) == {"API", "clock", "a caller's key", "callback route"}
    assert found["callback route"]["section"] == "missed-callbacks"


@pytest.mark.parametrize("callers", [[], [{"name": "a", "api_keys": [API_KEY]}, {"name": "b", "api_keys": [API_KEY]}]])
def test_missing_or_shared_caller_keys_are_found(
    kiln: Run, installation: Installation, callers: list[dict[str, Any]]
) -> None:
    put_callers(installation, *callers)
    assert list(wrong(kiln)) == ["callers' secret"]


def test_refused_caller_key_is_found(kiln: Run, installation: Installation) -> None:
    put_callers(installation, {"name": "shop", "api_keys": ["another"]})
    assert list(wrong(kiln)) == ["a caller's key"]


def test_missing_bucket_is_found(kiln: Run, installation: Installation) -> None:
    installation.client("s3").delete_bucket(Bucket="kiln-outbox")
    assert "kiln-outbox: 404" in wrong(kiln)["buckets"]["says"]


def test_leaked_slots_and_paused_dispatch_are_found(kiln: Run, operate: Operate) -> None:
    operate.will("status", {**STATUS, "paused_at": 1, "held": 1, "running": ["x"], "ended": ["x"]})
    found = wrong(kiln)
    assert set(found) == {"slots", "dispatch"}
    assert "kiln dispatch resume" in found["slots"]["todo"]


def test_task_about_to_release_its_slots_is_no_leak(
    kiln: Run, operate: Operate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "_RELEASE_SECONDS", 30)
    monkeypatch.setattr("kiln_cli.operating.checks.time.sleep", lambda _: None)
    operate.will("status", {**STATUS, "held": 1, "running": ["x"], "ended": ["x"]}, STATUS)
    assert wrong(kiln) == {}


def test_failed_workflow_of_today_is_found(kiln: Run, histories: Executions) -> None:
    now = datetime.now(tz=UTC)
    histories.listed["FAILED"] = [
        {"name": "abc-again-1", "stopDate": now},
        {"name": "old", "stopDate": now - timedelta(days=3)},
    ]
    found = wrong(kiln)
    assert list(found) == ["workflows"]
    assert found["workflows"]["todo"] == "see its history with kiln task show abc"


def test_dead_letters_are_found(kiln: Run, installation: Installation) -> None:
    for output in ("InboxDeadLettersUrl", "UnstartedTasksUrl"):
        installation.client("sqs").send_message(QueueUrl=installation.output(output), MessageBody="x")
    found = wrong(kiln)
    assert {each["section"] for each in found.values()} == {"inbox-dead-letters", "unstarted-tasks"}


def test_raised_alarm_names_its_section(kiln: Run, installation: Installation) -> None:
    put_alarms(installation, ProviderAccountAlarm="OK", MissedCallbacksAlarm="ALARM")
    (found,) = wrong(kiln).values()
    assert found["check"] == "alarm MissedCallbacks"
    assert found["says"] == "It is bad (crossed)"
    assert found["section"] == "missed-callbacks"


def test_check_that_breaks_is_a_finding(kiln: Run, operate: Operate, installation: Installation) -> None:
    operate.will("status", refusal="no")
    installation.outputs["InboxDeadLettersUrl"] = "https://sqs.us-east-1.amazonaws.com/123456789012/gone"
    found = wrong(kiln)
    assert set(found) == {"slots", "dead letters"}
    assert found["slots"]["says"] == "no"
