"""The last errors of the functions, found among everything they log."""

from __future__ import annotations

import json
from unittest.mock import Mock

import pytest

from local import function_logs
from local.function_logs import errors, lines


def event(timestamp: int, message: str | dict[str, str]) -> dict[str, object]:
    return {"timestamp": timestamp, "message": message if isinstance(message, str) else json.dumps(message)}


def clients_with(*events: dict[str, object]) -> Mock:
    logs = Mock()
    logs.describe_log_groups.return_value = {"logGroups": [{"logGroupName": "/kiln/kiln"}]}
    by_time = sorted(events, key=lambda each: int(str(each["timestamp"])))

    def answer(logGroupName: str, startTime: int, filterPattern: str) -> dict[str, object]:  # noqa: N803
        found = [
            each
            for each in by_time
            if int(str(each["timestamp"])) >= startTime and filterPattern in str(each["message"]).lower()
        ]
        return {"events": found[: function_logs.MOST_EVENTS]}

    logs.filter_log_events.side_effect = answer
    return Mock(**{"client.return_value": logs})


def test_errors_are_listed_oldest_first_with_their_exception() -> None:
    raised = "Traceback (most recent call last):\n  File …\nKeyError: 'task_id'"
    clients = clients_with(
        event(3, {"level": "ERROR", "function_name": "poll", "message": "failed", "exception": raised}),
        event(1, "botocore.exceptions.ClientError: An error occurred (AccessDenied)\n"),
        event(2, {"level": "INFO", "function_name": "poll", "message": "no Error: here"}),
        event(2, "START RequestId: 1"),
        event(2, "[1, 2]"),
    )
    assert errors(clients) == [
        "botocore.exceptions.ClientError: An error occurred (AccessDenied)",
        "poll: failed KeyError: 'task_id'",
    ]


def test_many_errors_show_the_last_ones() -> None:
    clients = clients_with(*(event(number, f"ValueError: {number}") for number in range(9)))
    assert errors(clients, most=2) == ["ValueError: 7", "ValueError: 8"]


def test_lines_beyond_what_one_answer_holds_are_read_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_logs, "MOST_EVENTS", 4)
    clients = clients_with(*(event(number // 2, f"line {number}") for number in range(15)))
    found = lines(clients.client("logs"), "/kiln/kiln")
    assert [message for _, message in found] == [f"line {number}" for number in range(15)]
