"""Collects everything that a run has written, and searches it for secrets and prompts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from local import function_logs
from tests.chaos.stacks import CALLERS, ChaosDeployment

_PROMPT = "prompt"


def secrets_of(kiln: ChaosDeployment) -> set[str]:
    """Every secret that the stack was given or has made for itself."""
    found = {kiln.here["secret_key"], kiln.here["webhook_secret"], *kiln.stack.provider_keys.values()}
    found |= {kiln._signing_key.decode()}
    for caller in CALLERS:
        found |= {caller.access_key, caller.secret_key, caller.api_key}
    return {secret for secret in found if secret}


def written(kiln: ChaosDeployment, task_ids: list[str]) -> Iterator[tuple[str, str]]:
    """Where something was written, and what: logs, executions, events, results, and the table but for the prompts."""
    yield from _logs(kiln)
    yield from _executions(kiln)
    for task_id in task_ids:
        yield f"events of {task_id}", json.dumps(kiln.events(task_id))
    for page in kiln.aws.dynamodb.get_paginator("scan").paginate(TableName=kiln.here["table"]):
        for item in page["Items"]:
            yield f"item {item['pk']['S']}", _text({name: value for name, value in item.items() if name != _PROMPT})
    for listed in kiln.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=kiln.here["outbox_bucket"]):
        for each in listed.get("Contents", []):
            if each["Key"].endswith(".json"):
                yield f"object {each['Key']}", (kiln.read(each["Key"]) or b"").decode()


def _logs(kiln: ChaosDeployment) -> Iterator[tuple[str, str]]:
    logs = kiln.aws.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        for _, message in function_logs.lines(logs, group["logGroupName"]):
            yield f"log {group['logGroupName']}", message
    for name in ("aws.log", "provider.log"):
        path = kiln.stack._options.state_dir / name
        yield name, path.read_text(encoding="utf-8", errors="replace")


def _executions(kiln: ChaosDeployment) -> Iterator[tuple[str, str]]:
    for machine in (kiln.here["state_machine_arn"], kiln.resource("NotificationWorkflow")):
        for execution in kiln.aws.stepfunctions.list_executions(stateMachineArn=machine)["executions"]:
            arn = execution["executionArn"]
            yield f"execution {arn}", _text(kiln.aws.stepfunctions.describe_execution(executionArn=arn))
            yield f"history of {arn}", _text(kiln.aws.stepfunctions.get_execution_history(executionArn=arn))


def _text(answer: Any) -> str:
    return json.dumps(answer, default=str, ensure_ascii=False)
