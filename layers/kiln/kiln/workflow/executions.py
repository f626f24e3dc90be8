"""The executions of a task's workflow, as Step Functions knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kiln.settings import WorkflowSettings, load
from kiln.tasks.executions import execution_name

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def last_execution(run_id: str, client: SFNClient) -> tuple[Any, int]:
    """The latest execution of a task's workflow, and how many there were before it."""
    arn = load(WorkflowSettings).state_machine_arn.replace(":stateMachine:", ":execution:", 1)
    last: Any = None
    times = -1
    while True:
        try:
            last = client.describe_execution(executionArn=f"{arn}:{execution_name(run_id, times + 1)}")
        except client.exceptions.ExecutionDoesNotExist:
            return last, times
        times += 1
        if last["status"] == "RUNNING":
            return last, times  # A restart begins when the execution before it has ended.
