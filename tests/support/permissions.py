"""Permissions that the template grants to functions and workflows, and those that a recording used."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from tests.support.account import ROOT, template

WORKFLOWS = ("TaskWorkflow", "NotificationWorkflow")

Permission = tuple[str, str]
"""An action, and the logical id of the resource that it is for."""

_SERVICES = {"stepfunctions": "states"}
_ACTIONS = {
    "s3:HeadObject": {"s3:GetObject"},
    "s3:CopyObject": {"s3:GetObject", "s3:PutObject"},
    # A task's end: two updates. Those that put are seen to put without a transaction too.
    "dynamodb:TransactWriteItems": {"dynamodb:UpdateItem"},
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "s3:ListObjectVersions": {"s3:ListBucketVersions"},
    "s3:DeleteObjects": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    # Through a presigned link.
    "urllib3:PUT": {"s3:PutObject"},
}
_TARGETS = ("TableName", "FunctionName", "StateMachineArn", "EventBusName")
_NOT_AWS = ("httpx", "urllib3:GET", "return")
_FOR_LAMBDA_ITSELF = ("read-queue", "read-stream")


def granted() -> dict[str, set[str]]:
    """The actions that the template allows to each function, without those that Lambda itself uses to call it."""
    found: dict[str, set[str]] = {}
    for name, resource in _resources().items():
        if resource["Type"] == "AWS::Serverless::Function":
            actions: set[str] = set()
            for policy in _policies_of(name):
                if policy["PolicyName"] not in _FOR_LAMBDA_ITSELF:
                    for statement in policy["PolicyDocument"]["Statement"]:
                        assert statement["Effect"] == "Allow"
                        actions |= set(_listed(statement["Action"]))
            found[name.removesuffix("Function")] = actions
    return found


def role_of(function: str) -> dict[str, Any]:
    """The properties of a function's role."""
    properties: dict[str, Any] = _resources()[_logical_id(_resources()[function]["Properties"]["Role"])]["Properties"]
    return properties


def _policies_of(function: str) -> list[dict[str, Any]]:
    """The policies of a function's role: its own, and those beside it."""
    role = {"Ref": _logical_id(_resources()[function]["Properties"]["Role"])}
    beside = [each["Properties"] for each in _resources().values() if each["Type"] == "AWS::IAM::Policy"]
    return [*role_of(function).get("Policies", []), *(each for each in beside if role in each["Roles"])]


def used(calls: Iterable[dict[str, Any]]) -> dict[str, set[str]]:
    """The actions that functions have called for, from a recording."""
    found: dict[str, set[str]] = defaultdict(set)
    for call in calls:
        service, _, operation = call["call"].partition(".")
        action = f"{_SERVICES.get(service, service)}:{operation}" if operation else service
        if not action.startswith(_NOT_AWS):
            found[call["function"]] |= _ACTIONS.get(action, {action})
    return found


def granted_to_workflow(name: str) -> set[Permission]:
    """Permissions that the template grants to the role of a state machine."""
    found: set[Permission] = set()
    for policy in _resources()[name]["Properties"]["Policies"]:
        for statement in policy["Statement"]:
            assert statement["Effect"] == "Allow"
            found |= {
                (action, _logical_id(resource))
                for action in _listed(statement["Action"])
                for resource in _listed(statement["Resource"])
            }
    return found


def needed_by_workflow(name: str, states: Collection[str] | None = None) -> set[Permission]:
    """Permissions that a state machine needs in some of its states, or in all."""
    found: set[Permission] = set()
    for state, state_definition in _definition(name)["States"].items():
        if state_definition["Type"] == "Task" and (states is None or state in states):
            service, _, operation = re.sub(r"^.*:::(aws-sdk:)?|[.].*$", "", state_definition["Resource"]).partition(":")
            action = f"{service}:{operation[0].upper()}{operation[1:]}".replace(":Invoke", ":InvokeFunction")
            asked = state_definition["Parameters"]
            for each in (asked, *asked.get("Entries", [])):
                found |= {(action, each[key]) for key in _TARGETS if key in each}
    return found


def _resources() -> dict[str, Any]:
    resources: dict[str, Any] = template()["Resources"]
    return resources


def _definition(name: str) -> dict[str, Any]:
    """A state machine, with logical ids where its definition names resources."""
    properties = _resources()[name]["Properties"]
    ids = {key: _logical_id(value) for key, value in properties["DefinitionSubstitutions"].items()}
    text = (ROOT / properties["DefinitionUri"]).read_text(encoding="utf-8")
    resources = _resources()
    # A value that is no resource is a number.
    definition: dict[str, Any] = json.loads(
        re.sub(r"[$][{](\w+)[}]", lambda found: ids[found[1]] if ids[found[1]] in resources else "0", text)
    )
    return definition


def _logical_id(reference: Any) -> str:
    name = reference.get("Ref") or reference["Fn::GetAtt"]
    return name[0] if isinstance(name, list) else str(name).partition(".")[0]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
