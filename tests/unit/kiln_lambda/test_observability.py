"""The wrapper of a handler: a task's id on every line of its log and on no other, metrics in CloudWatch's format."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_lambda_powertools import Metrics

from kiln import metrics
from kiln_lambda import observability
from kiln_lambda.observability import about, logger, observed, observed_record, publish
from tests.support.fakes import LambdaContext


@pytest.fixture(autouse=True)
def _own_metrics(monkeypatch):
    """Metrics as a function makes them at its start, in an environment that names them."""
    made = Metrics()
    made.clear_metrics()
    monkeypatch.setattr(observability, "_metrics", made)


@pytest.fixture(autouse=True)
def _published():
    metrics.publish_with(publish)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_log_record_names_the_events_task(logged, capsys):
    @observed("task_id")
    def handler(event, context):
        logger.info("one")
        metrics.record(metrics.FAILED, of="provider")
        metrics.record(metrics.ACCEPTED)
        logger.info("two")

    handler({"task_id": "task-1"}, LambdaContext())
    entries = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert [(line["message"], line["task_id"], line["correlation_id"]) for line in entries] == [
        ("one", "task-1", "task-1"),
        ("two", "task-1", "task-1"),
    ]
    assert [line["task_id"] for line in lines(capsys.readouterr().out)] == ["task-1", "task-1"]


def test_every_log_record_names_the_events_batch(logged):
    @observed()
    def handler(event, context):
        logger.info("one")
        logger.info("two")

    handler({"batch_id": "batch-1"}, LambdaContext())
    assert [line["batch_id"] for line in lines(logged.getvalue())] == ["batch-1", "batch-1"]


def test_next_invocation_does_not_name_the_previous_task(logged, capsys):
    @observed()
    def handler(event, context):
        if event.get("about"):
            about(event["about"])
        metrics.record(metrics.CALLBACKS)
        logger.info("line")

    handler({"about": "task-1"}, LambdaContext())
    handler({}, LambdaContext())
    assert ["task_id" in line for line in lines(logged.getvalue())] == [True, False]
    assert ["task_id" in line for line in lines(capsys.readouterr().out)] == [True, False]


def test_metric_measured_before_the_id_is_known_names_the_task(capsys):
    @observed()
    def handler(event, context):
        metrics.record(metrics.ACCEPTED)
        about("task-1")

    handler({}, LambdaContext())
    assert [line["task_id"] for line in lines(capsys.readouterr().out)] == ["task-1"]


def test_metrics_are_written_in_cloudwatchs_format(capsys):
    @observed()
    def handler(event, context):
        metrics.record(metrics.STAGE_SECONDS, 1.5, of="total")
        metrics.record(metrics.BYTES_STORED, 10)
        metrics.record(metrics.BYTES_STORED, 20)

    handler({}, LambdaContext())
    by_stage, plain = lines(capsys.readouterr().out)
    (described,) = by_stage["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "Kiln"
    assert [sorted(dimensions) for dimensions in described["Dimensions"]] == [["service", "stage"]]
    assert [(each["Name"], each["Unit"]) for each in described["Metrics"]] == [("StageSeconds", "Seconds")]
    assert (by_stage["service"], by_stage["stage"], by_stage["StageSeconds"]) == ("kiln", "total", [1.5])
    assert plain["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert plain["BytesStored"] == [10, 20]


def test_metrics_are_written_when_a_handler_raises(capsys):
    @observed()
    def handler(event, context):
        metrics.record(metrics.ACCOUNT_ERRORS)
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        handler({}, LambdaContext())
    assert lines(capsys.readouterr().out)[0]["ProviderAccountErrors"] == [1]


def test_each_record_of_a_batch_names_its_own_task(logged, capsys):
    @observed_record
    def record(task_id):
        if task_id:
            about(task_id)
        metrics.record(metrics.ACCEPTED)
        logger.info("accepted")

    @observed()
    def handler(event, context):
        for task_id in event["tasks"]:
            record(task_id)

    handler({"tasks": ["task-1", "task-2", ""]}, LambdaContext())
    assert [line.get("task_id") for line in lines(logged.getvalue())] == ["task-1", "task-2", None]
    assert [line.get("task_id") for line in lines(capsys.readouterr().out)] == ["task-1", "task-2", None]


def test_failed_record_is_logged_with_its_fault(logged):
    @observed_record
    def record(task_id):
        about(task_id)
        raise ConnectionError("the table is away")

    with pytest.raises(ConnectionError):
        record("task-1")
    (line,) = lines(logged.getvalue())
    assert (line["level"], line["message"], line["task_id"]) == ("WARNING", "comes again", "task-1")
    assert "the table is away" in line["exception"]


def test_initialisation_on_lambda_makes_the_clients_once(monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
    made: list[str] = []
    handler = observed(clients=(lambda: made.append("dynamodb"), lambda: made.append("s3")))(lambda *_: None)
    assert made == ["dynamodb", "s3"]
    handler({}, LambdaContext())
    assert made == ["dynamodb", "s3"]


def test_import_outside_lambda_makes_no_client(monkeypatch):
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)
    made: list[str] = []
    observed(clients=(lambda: made.append("dynamodb"),))(lambda *_: None)
    assert made == []
