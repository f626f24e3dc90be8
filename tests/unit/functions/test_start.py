"""The start function: the table's stream tells of a new task, and its workflow is started."""

from __future__ import annotations

import json

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from tests.support.fakes import client_error
from tests.support.functions import TASK_ID, invoke, sample


def test_new_task_starts_its_workflow(executions):
    assert invoke("start", sample("table-new-task")) == {"batchItemFailures": []}
    [(name, execution_input)] = executions.started.items()
    assert name == f"{TASK_ID}_1722769557708"
    assert execution_input["task_id"] == TASK_ID


def test_repeated_record_starts_one_workflow(executions):
    for _ in range(2):
        assert invoke("start", sample("table-new-task")) == {"batchItemFailures": []}
    assert len(executions) == 1


def test_record_that_aws_did_not_take_is_repeated(executions):
    executions.outage = ConnectionError("no answer")
    event = sample("table-new-task")
    other = sample("table-new-task")["Records"][0]
    other["dynamodb"]["SequenceNumber"] = "4421584500000000017450439092"
    with pytest.raises(BatchProcessingError):  # Powertools raises if every record has failed: Lambda repeats them all.
        invoke("start", {"Records": [*event["Records"], other]})


@pytest.mark.parametrize("fault", [KeyError("task_id"), ValueError("no"), client_error("InvalidExecutionInput")])
def test_record_that_would_fail_every_time_holds_up_no_other(executions, cloud, monkeypatch, fault):
    url = cloud.sqs.create_queue(QueueName="kiln-unstarted")["QueueUrl"]
    monkeypatch.setenv("UNSTARTED_QUEUE_URL", url)
    executions.outage = fault
    assert invoke("start", sample("table-new-task")) == {"batchItemFailures": []}
    [message] = cloud.sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"]) == {"S": f"TASK#{TASK_ID}"}


def test_batch_with_one_record_that_failed_is_repeated(executions):
    event = sample("table-new-task")
    broken = {**event["Records"][0], "dynamodb": {**event["Records"][0]["dynamodb"], "NewImage": {}}}
    broken["dynamodb"]["SequenceNumber"] = "4421584500000000017450439092"
    # The local AWS does not read which records of an answer failed: they would never come again.
    with pytest.raises(RuntimeError, match="1 of 2 failed"):
        invoke("start", {"Records": [*event["Records"], broken]})
    assert len(executions) == 1
