"""Reads what the Lambda functions have logged on the local AWS, and finds the errors in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from local.clients import AwsClients

# The local AWS answers with the oldest events up to this number, and with no token for the next page.
MOST_EVENTS = 10_000
# The last line of an uncaught exception's traceback; the local AWS logs each line separately.
_UNCAUGHT = re.compile(r"[\w.]+(Error|Exception): ")


def errors(clients: AwsClients, most: int = 5) -> list[str]:
    """The last errors that the functions have logged, oldest first."""
    found = sorted(set(_errors(clients.client("logs"))))
    return [message for _, message in found[-most:]]


def lines(logs: Any, group: str, *, since: float = 0, pattern: str = "") -> Iterator[tuple[int, str]]:
    """Every line of a log group from a moment on, oldest first: when it was written (milliseconds), and the text.

    Args:
        logs: A CloudWatch Logs client.
        group: The log group's name.
        since: Seconds since the epoch.
        pattern: Only lines that contain each of its words, in upper or lower case.
    """
    start, listed = int(since * 1000), 0
    while True:
        asked = {"logGroupName": group, "startTime": start, "filterPattern": pattern}
        events = logs.filter_log_events(**asked)["events"]
        yield from ((event["timestamp"], event["message"]) for event in events[listed:])
        if len(events) < MOST_EVENTS:
            return
        start = events[-1]["timestamp"]
        listed = sum(event["timestamp"] == start for event in events)


def _errors(logs: Any) -> Iterator[tuple[int, str]]:
    for group in logs.describe_log_groups()["logGroups"]:
        for pattern in ("error", "critical", "exception"):
            for timestamp, line in lines(logs, group["logGroupName"], pattern=pattern):
                message = _error(line)
                if message:
                    yield timestamp, message[:500]


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
