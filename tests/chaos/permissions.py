"""What the template lets each function do, and what the functions were seen to do, in the same words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.stack import TEMPLATE
from tests.integration.client import JsonObject

_SERVICES = {"stepfunctions": "states"}
_ACTIONS = {
    "s3:HeadObject": "s3:GetObject",
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
    # Through a presigned link.
    "urllib3:PUT": "s3:PutObject",
}
_NOT_AWS = ("httpx", "urllib3:GET", "return")


def granted() -> dict[str, set[str]]:
    """The actions that the template allows to each function."""
    resources: dict[str, Any] = yaml_parse(TEMPLATE.read_text(encoding="utf-8"))["Resources"]
    found: dict[str, set[str]] = {}
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Serverless::Function":
            actions: set[str] = set()
            for policy in resource["Properties"].get("Policies", []):
                for statement in policy["Statement"]:
                    assert statement["Effect"] == "Allow"
                    named = statement["Action"]
                    actions |= {named} if isinstance(named, str) else set(named)
            found[name.removesuffix("Function")] = actions
    return found


def used(calls: Iterable[JsonObject]) -> dict[str, set[str]]:
    """The actions that functions have called for, from a recording."""
    found: dict[str, set[str]] = defaultdict(set)
    for call in calls:
        service, _, operation = call["call"].partition(".")
        action = f"{_SERVICES.get(service, service)}:{operation}" if operation else service
        if not action.startswith(_NOT_AWS):
            found[call["function"]].add(_ACTIONS.get(action, action))
    return found
