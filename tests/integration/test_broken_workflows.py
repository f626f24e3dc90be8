"""A workflow that ends abnormally leaves no task behind: it is concluded with an event, and its slots go back."""

from __future__ import annotations

from typing import Any

from tests.integration.client import NEVER, Client, wait_until
from tests.integration.driver import Deployment


def test_stopped_workflow_ends_its_task(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    task_id = client.create()
    wait_until(lambda: kiln.is_parked(task_id), "the task waits for its callback")
    kiln.aws.stepfunctions.stop_execution(executionArn=kiln.execution_arn(task_id))
    task = client.wait_for(task_id, "failed")
    assert "was stopped" in task["task_status_msg"]
    wait_until(lambda: not any(name.startswith(task_id) for name in kiln.holders()), "its slots are back")
    wait_until(lambda: _ends(kiln, task_id), "its end is on the bus")
    assert len({event["metadata"]["event_id"] for event in _ends(kiln, task_id)}) == 1


def _ends(kiln: Deployment, task_id: str) -> list[Any]:
    details = [event["detail"] for event in kiln.events(task_id)]
    return [detail for detail in details if detail["data"]["task_status"] == "failed"]
