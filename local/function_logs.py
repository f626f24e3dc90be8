"""Finds the errors that the Lambda functions have logged on the local AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from local.clients import AwsClients

# The last line of an uncaught exception's traceback; the local AWS logs each line separately.
_UNCAUGHT = re.compile(r"[\w.]+(Error|Exception): ")


def errors(clients: AwsClients, most: int = 5) -> list[str]:
    """The last errors that the functions have logged, oldest first."""
    found = sorted(_errors(clients.client("logs")))
    return [message for _, message in found[-most:]]


def _errors(logs: Any) -> Iterator[tuple[int, str]]:
    for group in logs.describe_log_groups()["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            for event in page["events"]:
                message = _error(event["message"])
                if message:
                    yield event["timestamp"], message[:500]


def _error(message: str) -> str:
    """The error in a log line, in one line; empty if there is none."""
    try:
        entry = json.loads(message)
    except ValueError:
        return message.strip() if _UNCAUGHT.match(message) else ""
    if not isinstance(entry, dict) or entry.get("level") not in {"ERROR", "CRITICAL"}:
        return ""
    raised = str(entry.get("exception", "")).rstrip().rpartition("\n")[2]
    return f"{entry.get('function_name')}: {entry.get('message')} {raised}".strip()
