"""The roles of the expanded template: the local AWS does not check workflows' roles, so tests read the policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.account import template
from tests.support.permissions import (
    WORKFLOWS,
    granted,
    granted_to_workflow,
    needed_by_workflow,
    role_of,
)
from tests.support.transformed import expanded, of_type

PREFERENCES = template()["Parameters"]["DeploymentPreference"]["AllowedValues"]
FUNCTIONS = [name for name, each in template()["Resources"].items() if each["Type"] == "AWS::Serverless::Function"]
STREAM_READERS = {"StartRole", "BatchRole"}
WITHOUT_A_RESOURCE = {
    # The task token is the permission.
    "states:SendTaskSuccess",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
}
"""Actions that AWS allows for every resource or for none."""

MANAGED_BY_AWS = {
    # X-Ray's actions have no resource, so AWS's policy is as narrow as any.
    "AWSXRayDaemonWriteAccess",
    "AWSXrayWriteOnlyAccess",
    # CodeDeploy's, for CodeDeploy: it shifts aliases of functions.
    "AWSCodeDeployRoleForLambda",
    "AWSCodeDeployRoleForLambdaLimited",
}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_state_machine_role_allows_exactly_the_calls_of_its_states(name):
    assert needed_by_workflow(name)
    assert granted_to_workflow(name) == needed_by_workflow(name)


@pytest.mark.parametrize("preference", PREFERENCES[:2])
def test_expanded_role_has_no_broad_policy_of_aws(preference):
    resources = expanded(DeploymentPreference=preference)
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        for policy in role["Properties"].get("ManagedPolicyArns", []):
            if isinstance(policy, dict) and "Ref" in policy:
                assert resources[policy["Ref"]]["Type"] == "AWS::IAM::ManagedPolicy"
            else:
                arn = policy if isinstance(policy, str) else policy["Fn::Sub"]
                assert arn.rpartition("/")[2] in MANAGED_BY_AWS, f"{name} has {arn}"


def test_expanded_policies_name_their_actions_and_resources():
    found = list(statements(expanded()))
    assert found
    for name, statement in found:
        actions = listed(statement["Action"])
        assert statement["Effect"] == "Allow", name
        assert not [action for action in actions if "*" in action], name
        for resource in listed(statement["Resource"]):
            if resource == "*":
                assert set(actions) <= WITHOUT_A_RESOURCE, f"{name} may {actions} everywhere"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_role_of_the_template(name):
    assert role_of(name)["AssumeRolePolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
    assert role_of(name)["ManagedPolicyArns"] == [{"Ref": "WriteLogsAndTraces"}]
    users = [each for each in FUNCTIONS if template()["Resources"][each]["Properties"]["Role"] == role_reference(name)]
    assert users == [name]


def test_late_log_record_cannot_create_a_log_group():
    for name, role in of_type(expanded(), "AWS::IAM::Role").items():
        # AWS's policies for functions allow logs:CreateLogGroup on every group.
        assert "AWSLambda" not in str(role["Properties"].get("ManagedPolicyArns")), name
    for name, statement in statements(expanded()):
        assert "logs:CreateLogGroup" not in listed(statement["Action"]), name
        if any(action.startswith("logs:") for action in listed(statement["Action"])):
            assert statement["Resource"] == {"Fn::GetAtt": ["Logs", "Arn"]}, name


@pytest.mark.parametrize(
    ("name", "actions", "source"),
    [
        ("InboxRole", {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, ["InboxQueue", "Arn"]),
        *(
            (
                role,
                {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"},
                ["Table", "StreamArn"],
            )
            for role in sorted(STREAM_READERS)
        ),
    ],
)
def test_function_reads_its_own_queue_or_stream_alone(name, actions, source):
    """Those are the actions that Lambda requires of the role before it makes an event source mapping."""
    read = {
        action: statement["Resource"]
        for role, statement in statements(expanded())
        if role == name
        for action in listed(statement["Action"])
    }
    assert {action: read[action] for action in actions} == {action: {"Fn::GetAtt": source} for action in actions}
    others = {
        action
        for role, statement in statements(expanded())
        if role != name and not {role, name} <= STREAM_READERS
        if {"Fn::GetAtt": source} in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert not actions & others


@pytest.mark.parametrize("name", ["Submit", "Operate"])
def test_function_that_copies_inputs_may_list_their_buckets(name):
    """S3 answers 403 for a missing object, if the caller may not list the bucket."""
    assert "s3:ListBucket" in granted()[name]
    allowed = [each for role, each in statements(expanded()) if role == f"{name}Role"]
    [resources] = [each["Resource"] for each in allowed if each["Action"] == "s3:ListBucket"]
    assert resources == [{"Fn::GetAtt": [bucket, "Arn"]} for bucket in ("InboxBucket", "InputsBucket")]


def statements(resources: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of the expanded template's own policies, with the name of the role or the policy."""
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        for policy in role["Properties"].get("Policies", []):
            yield from ((name, each) for each in policy["PolicyDocument"]["Statement"])
    for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        for name, policy in of_type(resources, kind).items():
            yield from ((name, each) for each in policy["Properties"]["PolicyDocument"]["Statement"])


def role_reference(function: str) -> Any:
    return template()["Resources"][function]["Properties"]["Role"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
