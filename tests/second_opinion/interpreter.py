"""Takes a task through moto's interpreter of the Amazon States Language, and prints the states that it entered.

``.second-opinion`` has moto with the interpreter; its Lambda answers are queued here. Input: the definition, on stdin.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import boto3
from moto import mock_aws
from moto.awslambda_simple.models import lambda_simple_backends

REGION, ACCOUNT, TASK = "us-east-1", "123456789012", "task-1"
PATIENCE_S = 300

EVENT = {"detail_type": "Image Task Succeeded", "detail": {"data": {"task_id": TASK, "task_status": "succeed"}}}
OUTCOMES = ("queued", "dispatched", "running", "generated", "again", "ended")
"""Of Dispatch, Dispatch, Poll, Poll, Collect and Collect."""


def main() -> None:
    """Runs one execution to its end."""
    definition = json.load(sys.stdin)
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}):
        clients = {name: boto3.client(name, REGION) for name in ("dynamodb", "events", "stepfunctions", "lambda")}
        _furnish(clients)
        answers = [
            json.dumps({"outcome": each, "wait": 1, "reason": "", "event": EVENT if each == "ended" else None})
            for each in OUTCOMES
        ]
        lambda_simple_backends[ACCOUNT][REGION].lambda_simple_results_queue.extend(answers)
        machines = clients["stepfunctions"]
        role = f"arn:aws:iam::{ACCOUNT}:role/workflow"
        machine = machines.create_state_machine(name="task", definition=json.dumps(definition), roleArn=role)
        submitted = {**EVENT, "detail_type": "Image Task Submitted"}
        given = {
            "task_id": TASK,
            "key": f"TASK#{TASK}",
            "submitted": submitted,
            "published": {"processing": False},
            "fault": {"Error": ""},
        }
        run = machines.start_execution(stateMachineArn=machine["stateMachineArn"], name=TASK, input=json.dumps(given))
        status = _drive(clients, run["executionArn"])
        events = machines.get_execution_history(executionArn=run["executionArn"], maxResults=1_000)["events"]
    states = [each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each]
    sys.stdout.write(json.dumps({"status": status, "states": states}))


def _furnish(clients: dict[str, Any]) -> None:
    clients["dynamodb"].create_table(
        TableName="the-TableName",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    clients["dynamodb"].put_item(TableName="the-TableName", Item={"pk": {"S": f"TASK#{TASK}"}})
    clients["events"].create_event_bus(Name="the-EventBusName")


def _drive(clients: dict[str, Any], execution: str) -> str:
    """Wakes the task in the queue, as a hand-over does; the timer wakes it at the provider."""
    woken: set[str] = set()
    ends_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at:
        status: str = clients["stepfunctions"].describe_execution(executionArn=execution)["status"]
        if status != "RUNNING":
            return status
        item = clients["dynamodb"].get_item(TableName="the-TableName", Key={"pk": {"S": f"TASK#{TASK}"}})["Item"]
        token = item.get("task_token", {}).get("S", "")
        if token and not woken:
            woken.add(token)
            clients["stepfunctions"].send_task_success(taskToken=token, output="{}")
        time.sleep(0.1)
    return "RUNNING"


if __name__ == "__main__":
    main()
