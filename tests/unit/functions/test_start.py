"""The start function: the table's stream tells of a new task, and its workflow is started."""

from __future__ import annotations

from tests.support.functions import TASK_ID, invoke, sample


def test_new_task_starts_its_workflow(executions):
    assert invoke("start", sample("table-new-task")) == {"batchItemFailures": []}
    [(name, course)] = executions.started.items()
    assert name == f"{TASK_ID}_1722769557708"
    assert course["slots"]["first"] == f"{TASK_ID}#0"


def test_repeated_record_starts_one_workflow(executions):
    for _ in range(2):
        assert invoke("start", sample("table-new-task")) == {"batchItemFailures": []}
    assert len(executions) == 1


def test_failed_record_is_reported_for_a_retry(executions):
    event = sample("table-new-task")
    broken = {**event["Records"][0], "dynamodb": {**event["Records"][0]["dynamodb"], "NewImage": {}}}
    broken["dynamodb"]["SequenceNumber"] = "4421584500000000017450439092"
    failures = invoke("start", {"Records": [*event["Records"], broken]})
    assert failures == {"batchItemFailures": [{"itemIdentifier": "4421584500000000017450439092"}]}
    assert len(executions) == 1
