"""The rescue function: Step Functions tells of an execution that broke, and it starts again."""

from __future__ import annotations

from tests.support.functions import invoke, sample


def test_failed_execution_is_started_again(executions, logged):
    broken = sample("rescue-workflow-broken")
    assert invoke("rescue", broken) is None
    name = broken["detail"]["name"]
    task_id = name.partition("_")[0]
    assert executions.started == {f"{name}-again-1": {"task_id": task_id}}
    assert f'"task_id":"{task_id}"' in logged.getvalue()
