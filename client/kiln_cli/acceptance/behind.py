"""Checks behind the API: the lines of the log, and the history of an execution."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kiln_cli.acceptance.findings import Finding, fact, row
from kiln_cli.acceptance.trial import Trial, all_of
from kiln_cli.operating.history import REQUESTED, TIMER, moments_of
from kiln_cli.operating.operations import operate


def logs(trial: Trial, task_id: str) -> Iterator[Finding]:
    """The logs hold the task's id, and no prompt."""
    client: Any = trial.installation.client("logs")
    group = f"/kiln/{trial.installation.name}"

    def lines(word: str) -> int:
        return sum(1 for _ in _messages(trial, word))

    trial.wait(lambda: lines(task_id))
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
    trial.wait(lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING")
    yield row("workflow", "execution", "SUCCEEDED", client.describe_execution(executionArn=arn)["status"])
    events = list(all_of(client, "get_execution_history", "events", executionArn=arn))
    yield row("workflow", "history holds the prompt", False, trial.secret in json.dumps(events, default=str))
    yield fact("workflow", "events of its history", len(events))
    wake_ups = [each.wake_up for each in moments_of(task, trial.installation)]
    by = f"{wake_ups.count(REQUESTED)} requested (callback), {wake_ups.count(TIMER)} by the timer"
    yield fact("workflow", "wake-ups while the provider generated", by)


def log_lines(trial: Trial, word: str) -> list[dict[str, Any]]:
    """The lines of this run that hold a word, oldest first, as the functions wrote them."""
    found = [json.loads(text) for text in _messages(trial, word) if text.startswith("{")]
    return sorted(found, key=lambda line: str(line.get("timestamp", "")))


def _messages(trial: Trial, word: str) -> Iterator[str]:
    client: Any = trial.installation.client("logs")
    group, since = f"/kiln/{trial.installation.name}", int(trial.began * 1_000)
    asked = {"logGroupName": group, "startTime": since, "filterPattern": f'"{word}"'}
    # The local AWS knows fewer patterns, so each line is looked at.
    return (
        each["message"] for each in all_of(client, "filter_log_events", "events", **asked) if word in each["message"]
    )
