"""Checks behind the API: logs, execution histories, aliases, alarms, and the facts of the provider."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

from kiln_cli.acceptance.findings import Finding, fact, row, skipped
from kiln_cli.acceptance.trial import TASKS_PATH, Trial, all_of, body_of, said
from kiln_cli.operating.accounts_secret import AccountsSecret, has_keys
from kiln_cli.operating.history import REQUESTED, TIMER, moments_of
from kiln_cli.operating.operations import operate

_LOG_SECONDS = 60


def logs(trial: Trial, task_id: str) -> Iterator[Finding]:
    """The logs hold the task's id, and no prompt."""
    client: Any = trial.installation.client("logs")
    group = f"/kiln/{trial.installation.name}"
    since = int(trial.began * 1_000)

    def lines(word: str) -> int:
        found = all_of(
            client, "filter_log_events", "events", logGroupName=group, startTime=since, filterPattern=f'"{word}"'
        )
        # The local AWS knows fewer patterns, so each line is looked at.
        return sum(word in each["message"] for each in found)

    trial.wait(lambda: lines(task_id), seconds=_LOG_SECONDS)
    count = lines(task_id)
    yield row("logs", "lines with the task's id", "1 or more", count, is_well=count > 0)
    yield row("logs", "lines with the prompt", 0, lines(trial.secret))
    groups = all_of(client, "describe_log_groups", "logGroups", logGroupNamePrefix=group)
    retention: dict[str, Any] = next(groups, {})
    days = int(trial.installation.parameters.get("LogRetentionDays", "30"))
    yield row("logs", "retention in days", days, retention.get("retentionInDays"))


def history(trial: Trial, task_id: str) -> Iterator[Finding]:
    """The workflow ended well, its history holds no prompt, and it says what woke the task."""
    task = operate(trial.installation, "show", task_id=task_id)
    client: Any = trial.installation.client("stepfunctions")
    machine = trial.installation.output("StateMachineArn")
    arn = f"{machine.replace(':stateMachine:', ':execution:', 1)}:{task.get('run_id') or task_id}"
    trial.wait(lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING", seconds=60)
    yield row("workflow", "execution", "SUCCEEDED", client.describe_execution(executionArn=arn)["status"])
    events = list(all_of(client, "get_execution_history", "events", executionArn=arn))
    yield row("workflow", "history holds the prompt", False, trial.secret in json.dumps(events, default=str))
    yield fact("workflow", "events of its history", len(events))
    wake_ups = [each.wake_up for each in moments_of(task, trial.installation)]
    by = f"{wake_ups.count(REQUESTED)} requested (callback), {wake_ups.count(TIMER)} by the timer"
    yield fact("workflow", "wake-ups while the provider generated", by)


def aliases(trial: Trial) -> Iterator[Finding]:
    """Every function has the alias live, which names a version."""
    client: Any = trial.installation.client("lambda")
    names = trial.installation.resources("AWS::Lambda::Function")
    versions = {
        logical: client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] for logical, name in names.items()
    }
    wrong = [logical for logical, version in versions.items() if not version.isdigit()]
    yield row("functions", "alias live names a version", f"{len(names)} functions", f"{len(versions)} functions")
    yield row("functions", "functions without a version", [], wrong)


def alarms(trial: Trial) -> Iterator[Finding]:
    """The stack has its alarms, and none is raised."""
    names = list(trial.installation.resources("AWS::CloudWatch::Alarm").values())
    client: Any = trial.installation.client("cloudwatch")
    found = list(all_of(client, "describe_alarms", "MetricAlarms", AlarmNames=names)) if names else []
    yield row("alarms", "exist", "1 or more", f"{len(found)} of {len(names)}", is_well=0 < len(names) == len(found))
    raised = [each["AlarmName"] for each in found if each["StateValue"] == "ALARM"]
    yield row("alarms", "raised", [], raised)
    workflow_broken = f"{trial.installation.name}-workflow-broken"
    yield row("alarms", "deployments find theirs by name", True, workflow_broken in {x["AlarmName"] for x in found})


def provider(trial: Trial) -> Iterator[Finding]:
    """The provider's answers where its documents are silent. Only facts: Kiln accepts each of them."""
    checked = operate(trial.installation, "check-provider")
    yield row("provider", "accepts the keys", True, checked["accepted"])
    token = _provider_token(trial)
    if not token:
        yield skipped("provider", "its answers", "the provider's secret has no key")
        return
    base = trial.installation.parameters["ProviderUrl"] + TASKS_PATH
    headers = {"Authorization": f"Bearer {token}"}
    missing = trial.http.get(f"{base}/acceptance-has-no-such-task", headers=headers)
    yield fact("provider", "a missing task", f"{said(missing)} {body_of(missing).get('message', '')}")
    tasks = body_of(trial.http.get(f"{base}?pageNum=1&pageSize=5", headers=headers)).get("data") or []
    times = [each.get("created_at", 0) for each in tasks]
    order = "newest first" if times == sorted(times, reverse=True) else "another order"
    yield fact("provider", "order of its list", f"{order}, {len(times)} tasks" if len(times) > 1 else "unknown")


def _provider_token(trial: Trial) -> str:
    """A key for requests to the provider: its API key, or a token as its documents describe it."""
    keys = next((each for each in AccountsSecret(trial.installation).read() if has_keys(each)), {})
    if not keys or keys.get("api_key"):
        return str(keys.get("api_key", ""))
    now = int(time.time())
    claims = {"iss": keys["access_key"], "exp": now + 600, "nbf": now - 5}
    parts = ".".join(_encoded(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.new(keys["secret_key"].encode(), parts.encode(), hashlib.sha256).digest()
    return f"{parts}.{_encoded(signature)}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
