"""What is read out of histories, logs and calls: the charge of each, as AWS has it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from benchmarks import observer
from benchmarks.counts import Counts, Work


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
def test_native_states_make_requests_of_their_own(resource: str, request_: str) -> None:
    assert observer._native_call(resource) == request_


def test_a_history_tells_what_was_entered_and_what_was_refused() -> None:
    history: list[dict[str, Any]] = [
        {"stateEnteredEventDetails": {"name": "TakeSlot"}},
        {"taskFailedEventDetails": {"error": "DynamoDB.ConditionalCheckFailedException"}},
        {"stateEnteredEventDetails": {"name": "AwaitTurn"}},
        {"taskFailedEventDetails": {"error": "States.TaskFailed"}},
    ]
    refused: Counter[str] = Counter()
    assert observer._entered(history, refused) == ["TakeSlot", "AwaitTurn"]
    assert refused == {"TakeSlot": 1}


def test_metrics_are_found_in_a_log_line_with_their_dimensions() -> None:
    line = {
        "_aws": {"CloudWatchMetrics": [{"Dimensions": [["service", "reason"]], "Metrics": [{"Name": "TasksFailed"}]}]},
        "service": "kiln",
        "reason": "refused",
        "TasksFailed": [1],
    }
    assert list(observer._metrics_in(json.dumps(line))) == ["TasksFailed(refused)"]
    assert list(observer._metrics_in("START RequestId: 1")) == []
    assert list(observer._metrics_in('{"level": "INFO"}')) == []


def test_reads_failed_conditions_and_transactions_are_charged() -> None:
    counts = Counts()
    large = {"pk": {"S": "TASK#1"}, "prompt": {"S": "x" * 5_000}}
    key = {"Key": {"pk": {"S": "TASK#1"}}}
    calls: list[dict[str, Any]] = [
        {"operation": "GetItem", "failed": "", "table_call": {**key, "ConsistentRead": True}, "items": [large]},
        {"operation": "GetItem", "failed": "", "table_call": {**key, "ProjectionExpression": "n"}, "items": [{}]},
        {"operation": "Query", "failed": "", "table_call": {"IndexName": "by_turn"}, "items": []},
        {"operation": "UpdateItem", "failed": "ConditionalCheckFailedException", "table_call": key},
        {"operation": "TransactWriteItems", "failed": "", "table_call": {"TransactItems": [{"Put": {"Item": large}}]}},
        {"operation": "UpdateItem", "failed": "", "table_call": key},
    ]
    observer._count_calls_of_the_table(counts, calls, {"TASK#1": large})
    assert counts.read_units == {"TASK": 2 + 1, "by_turn": 0.5}
    assert counts.write_units == {"table": 5 + 5}


def test_task_tokens_are_counted_as_long_as_those_of_aws() -> None:
    image = observer._as_on_aws({"pk": {"S": "TASK#1"}, "task_token": {"S": "short"}})
    assert image is not None
    assert len(image["task_token"]["S"]) == observer.TOKEN_BYTES
    assert observer._as_on_aws({"pk": {"S": "TASK#1"}}) == {"pk": {"S": "TASK#1"}}


def test_names_are_those_of_the_template() -> None:
    assert observer.short_name("kiln-SubmitFunction-1A2B") == "Submit"


def test_what_two_have_used_is_taken_off_what_three_have() -> None:
    one = Counts(api_requests=1, transitions={"task": 10}, work={"Poll": Work(memory_mb=512, invocations=1, cpu_ms=5)})
    three = Counts(
        api_requests=3, transitions={"task": 35}, work={"Poll": Work(memory_mb=512, invocations=3, cpu_ms=9)}
    )
    left = three.less(one, 2)
    assert (left.api_requests, left.transitions) == (1, {"task": 15})
    assert left.work["Poll"] == Work(memory_mb=512, invocations=1, cpu_ms=0)
