"""``kiln logs``: the log lines of one task, of all functions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from kiln_cli.failures import NOT_FOUND, CommandFailed
from kiln_cli.operating.installation import Installation
from kiln_cli.operating.moments import timestamp
from kiln_cli.operating.operations import OperationRefused, operate
from kiln_cli.operating.session import FOR_OPERATORS, OperatorCommand, OperatorSession
from kiln_cli.operating.task import TaskId

app = typer.Typer()

_EARLIER_MS = 60_000
"""Lines of the request itself are a moment older than the task."""

_METRICS = "_aws"
"""Marks a line that CloudWatch reads as metrics."""

_SHOWN = ("level", "function_name", "message")


@app.command("logs", cls=OperatorCommand, rich_help_panel=FOR_OPERATORS)
def logs(
    session: OperatorSession,
    task_id: TaskId,
    limit: Annotated[int, typer.Option(help="Most lines to print", min=1)] = 1_000,
) -> None:
    """Print a task's log lines, oldest first: time, level, function, message, outcome and reason."""
    began = _created_at(session.installation, task_id) - _EARLIER_MS
    for number, (at, line) in enumerate(_lines(session.installation, task_id, began)):
        if number == limit:
            raise CommandFailed(f"more than {limit} lines; pass a larger --limit")
        if session.terminal.as_json:
            session.terminal.document(line)
        else:
            session.terminal.rows([(timestamp(at), *(line.get(name, "") for name in _SHOWN), *_outcome(line))])


def _created_at(installation: Installation, task_id: str) -> int:
    try:
        return int(operate(installation, "show", task_id=task_id)["created_at"])
    except OperationRefused as refused:
        raise CommandFailed(str(refused), NOT_FOUND) from None


def _lines(installation: Installation, task_id: str, began: int) -> Iterator[tuple[int, dict[str, Any]]]:
    groups = installation.resources("AWS::Logs::LogGroup")
    pages = installation.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=groups["Logs"], filterPattern=f'"{task_id}"', startTime=began)
    for page in found:
        for event in page["events"]:
            line = _parsed(event["message"])
            if _METRICS not in line:
                yield event["timestamp"], line


def _parsed(message: str) -> dict[str, Any]:
    try:
        line = json.loads(message)
    except ValueError:
        line = None
    return line if isinstance(line, dict) else {"message": message.strip()}


def _outcome(line: dict[str, Any]) -> list[str]:
    """The outcome of a step, why it or a refusal is so, and the last line of a logged exception."""
    result = line.get("result")
    step = result if isinstance(result, dict) else {}
    raised = str(line.get("exception") or "").rstrip().rpartition("\n")[2]
    said = [step.get("outcome"), step.get("reason") or line.get("reason") or line.get("refusal"), raised]
    return [str(each) for each in said if each]
