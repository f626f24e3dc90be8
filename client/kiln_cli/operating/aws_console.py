"""Addresses of a task's parts in the AWS console."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from kiln_cli.operating.installation import Installation


def task_links(installation: Installation, task: dict[str, Any]) -> dict[str, str]:
    """Where the AWS console shows a task's workflow and its item; empty for a local stack, which has no console."""
    if installation.is_local:
        return {}
    region = installation.region
    execution = installation.output("StateMachineArn").replace(":stateMachine:", ":execution:")
    run = task.get("run_id") or task["task_id"]
    host = f"https://{region}.console.aws.amazon.com"
    item = quote(f"TASK#{task['task_id']}", safe="")
    table = quote(installation.output("TableName"), safe="")
    return {
        "workflow": f"{host}/states/home?region={region}#/v2/executions/details/{execution}:{run}",
        "item": f"{host}/dynamodbv2/home?region={region}#edit-item?itemMode=2&pk={item}&table={table}",
    }
