"""The state machines as CloudFormation renders them, and what their states do to the table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from kiln import aws
from kiln.tasks import items
from tests.support.account import ENVIRONMENT, ROOT, template

MACHINES = ["TaskWorkflow", "NotificationWorkflow"]
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def definition_text(machine: str) -> str:
    """The definition with its placeholders, as it is in the repository."""
    uri = template()["Resources"][machine]["Properties"]["DefinitionUri"]
    definition: str = (ROOT / uri).read_text("utf-8")
    return definition


def rendered(machine: str) -> dict[str, Any]:
    """The definition with its placeholders filled: 30 for each timer, a made-up name for the rest."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return "30" if name.endswith("Seconds") else {"Partition": "aws"}.get(name, f"the-{name}")

    definition: dict[str, Any] = json.loads(PLACEHOLDER.sub(value, definition_text(machine)))
    return definition


def nexts(state: dict[str, Any]) -> Iterator[str]:
    """The states that a state may lead to."""
    if "Next" in state:
        yield state["Next"]
    if "Default" in state:
        yield state["Default"]
    for branch in [*state.get("Choices", []), *state.get("Catch", [])]:
        yield branch["Next"]


def reachable(states: dict[str, Any], start: str, *, without: frozenset[str] = frozenset()) -> set[str]:
    """The states that can be reached from one, by no way through others."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in found and name not in without:
            found.add(name)
            ahead += nexts(states[name])
    return found


def park(task_id: str = "task-1", token: str = "the-token") -> None:
    """Stores a task token, as the workflow does when it parks."""
    aws.dynamodb().update_item(
        TableName=ENVIRONMENT["TABLE_NAME"],
        Key=items.task_key(task_id),
        UpdateExpression="SET task_token = :token",
        ExpressionAttributeValues={":token": {"S": token}},
    )
