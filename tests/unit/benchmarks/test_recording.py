"""Histories, log lines and table calls are read and charged as AWS charges them."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from benchmarks.data.counts import Counts, Work
from benchmarks.measuring.recording import traces


@pytest.mark.parametrize(
    ("resource", "request_"),
    [
        ("arn:aws:states:::dynamodb:updateItem", "dynamodb.UpdateItem"),
        ("arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken", "dynamodb.UpdateItem"),
        ("arn:aws:states:::events:putEvents", "events.PutEvents"),
        ("arn:aws:states:::states:startExecution", "stepfunctions.StartExecution"),
        ("arn:aws:states:::lambda:invoke", ""),
        ("", ""),
    ],
)
def test_native_resource_gives_its_request_and_lambda_gives_none(resource: str, request_: str) -> None:
    assert traces.native_call(resource) == request_


def test_history_gives_entered_states_and_counts_failed_conditions() -> None:
    history: list[dict[str, Any]] = [
        {"stateEnteredEventDetails": {"name": "AcquireSlots"}},
        {"taskFailedEventDetails": {"error": "DynamoDB.ConditionalCheckFailedException"}},
        {"stateEnteredEventDetails": {"name": "AwaitTurn"}},
        {"taskFailedEventDetails": {"error": "States.TaskFailed"}},
    ]
    refused: Counter[str] = Counter()
    assert traces.entered_states(history, refused) == ["AcquireSlots", "AwaitTurn"]
    assert refused == {"AcquireSlots": 1}


def test_log_line_gives_its_metrics_with_their_dimensions() -> None:
    line = {
        "_aws": {"CloudWatchMetrics": [{"Dimensions": [["service", "reason"]], "Metrics": [{"Name": "TasksFailed"}]}]},
        "service": "kiln",
        "reason": "refused",
        "TasksFailed": [1],
    }
    assert list(traces.metrics_in(json.dumps(line))) == ["TasksFailed(refused)"]
    assert list(traces.metrics_in("START RequestId: 1")) == []
    assert list(traces.metrics_in('{"level": "INFO"}')) == []


def test_reads_failed_conditions_and_transactions_are_charged() -> None:
    counts = Counts()
    large = {"pk": {"S": "TASK#1"}, "prompt": {"S": "x" * 5_000}}
    key: dict[str, Any] = {"Key": {"pk": {"S": "TASK#1"}}}
    calls: list[dict[str, Any]] = [
        {"operation": "GetItem", "failed": "", "table_call": {**key, "ConsistentRead": True}, "items": [large]},
        {"operation": "GetItem", "failed": "", "table_call": {**key, "ProjectionExpression": "n"}, "items": [{}]},
        {"operation": "Query", "failed": "", "table_call": {"IndexName": "by_turn"}, "items": []},
        {"operation": "UpdateItem", "failed": "ConditionalCheckFailedException", "table_call": key},
        {"operation": "TransactWriteItems", "failed": "", "table_call": {"TransactItems": [{"Put": {"Item": large}}]}},
        {"operation": "TransactWriteItems", "failed": "", "table_call": {"TransactItems": [{"Update": key}]}},
        {"operation": "UpdateItem", "failed": "", "table_call": key},
    ]
    traces.count_table_calls(counts, calls, {"TASK#1": large})
    assert counts.read_units == {"TASK": 2 + 1, "by_turn": 0.5}
    assert counts.write_units == {"table": 5 + 5 + 5}


def test_short_task_token_is_counted_with_the_length_of_aws() -> None:
    image = traces.as_on_aws({"pk": {"S": "TASK#1"}, "task_token": {"S": "short"}})
    assert image is not None
    assert len(image["task_token"]["S"]) == traces.TOKEN_BYTES
    assert traces.as_on_aws({"pk": {"S": "TASK#1"}}) == {"pk": {"S": "TASK#1"}}


def test_deployed_function_name_is_shortened_to_the_templates_name() -> None:
    assert traces.short_name("kiln-SubmitFunction-1A2B") == "Submit"


def test_counts_less_twice_another_leaves_one_of_three_requests() -> None:
    one = Counts(api_requests=1, transitions={"task": 10}, work={"Poll": Work(memory_mb=512, invocations=1, cpu_ms=5)})
    three = Counts(
        api_requests=3, transitions={"task": 35}, work={"Poll": Work(memory_mb=512, invocations=3, cpu_ms=9)}
    )
    left = three.less(one, 2)
    assert (left.api_requests, left.transitions) == (1, {"task": 15})
    assert left.work["Poll"] == Work(memory_mb=512, invocations=1, cpu_ms=0)
