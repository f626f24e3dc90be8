"""Starts the workflow that owns a task, once the table has it: what is stored is accepted, and it starts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kiln import aws, events
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import TaskNotFound
from kiln.settings import StartSettings, TableSettings, WorkflowSettings, load
from kiln.tasks import items
from kiln.tasks.task import Task

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def dead_letter(image: Mapping[str, Any]) -> None:
    """Sends the key of an item that cannot be read to the queue of unstarted tasks, which has an alarm."""
    aws.sqs().send_message(QueueUrl=load(StartSettings).unstarted_queue_url, MessageBody=json.dumps(image.get("pk")))


def start_stored(task_id: str, *, step_functions: SFNClient | None = None) -> Task:
    """Starts the workflow of a task that has none, from its item in the table.

    Raises:
        TaskNotFound: There is no such task.
    """
    table = load(TableSettings).table_name
    answer = aws.dynamodb().get_item(TableName=table, Key=items.task_key(task_id), ConsistentRead=True)
    if "Item" not in answer:
        raise TaskNotFound(task_id)
    return start(answer["Item"], step_functions=step_functions)


def start(image: Mapping[str, Any], *, step_functions: SFNClient | None = None) -> Task:
    """Starts the workflow of a task; one that has been started is left alone.

    Args:
        image: The task's item, as the table's stream reports it.
        step_functions: Starts it.
    """
    task = items.task_of(image)
    submitted = events.status_event(task, "", TaskStatus.SUBMITTED)
    execution_input = {
        "task_id": task.task_id,
        "key": f"TASK#{task.task_id}",
        "submitted": submitted.model_dump(mode="json"),
        "published": {"processing": False},
        # If the workflow cannot continue, a Catch puts its error here; ReleaseSlots reads it in any case.
        "fault": {"Error": ""},
    }
    client = step_functions or aws.step_functions()
    # The stream reports at least once: an execution of this name is the one that was wanted.
    with contextlib.suppress(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(
            stateMachineArn=load(WorkflowSettings).state_machine_arn,
            name=task.run_id,
            input=json.dumps(execution_input),
        )
    return task
