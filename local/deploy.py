"""Deploys the SAM template to the local AWS and returns the stack's outputs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.clients import AwsClients
from local.packaging import package

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

ARTIFACTS_BUCKET = "kiln-artifacts"
TIMEOUT_SECONDS = 60
_CAPABILITIES: Any = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


class DeployError(Exception):
    """CloudFormation could not create or update the stack; the message names the failed resources and the reasons."""


class UnknownParameterError(DeployError):
    """An override names a parameter that the template does not declare."""


def deploy(
    clients: AwsClients,
    template_path: Path,
    stack_name: str,
    *,
    defaults: Mapping[str, str],
    overrides: Mapping[str, str] | None = None,
    is_update: bool = False,
) -> dict[str, str]:
    """Creates or updates a stack from a SAM template.

    Args:
        clients: Clients of the AWS to deploy to.
        template_path: The SAM template.
        stack_name: The stack's name.
        defaults: Values of parameters; those that the template does not declare are ignored.
        overrides: Values that replace ``defaults``; the template must declare their parameters.
        is_update: Whether the stack exists already.

    Returns:
        The stack's outputs.

    Raises:
        UnknownParameterError: ``overrides`` names a parameter that the template does not have.
        DeployError: The stack was not created or updated.
    """
    packaged = package(template_path, ARTIFACTS_BUCKET)
    unknown = set(overrides or {}) - packaged.parameters
    if unknown:
        raise UnknownParameterError(f"{template_path.name} has no parameter {', '.join(sorted(unknown))}")
    values = {**{name: value for name, value in defaults.items() if name in packaged.parameters}, **(overrides or {})}

    s3 = clients.s3
    s3.create_bucket(Bucket=ARTIFACTS_BUCKET)
    for key, body in packaged.objects.items():
        s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=key, Body=body)
    # A request can hold 51,200 bytes of a template, so this one comes from S3.
    template_key = f"{stack_name}.template.json"
    s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=template_key, Body=json.dumps(packaged.template, default=str).encode())

    cloudformation = clients.cloudformation
    change = cloudformation.update_stack if is_update else cloudformation.create_stack
    change(
        StackName=stack_name,
        TemplateURL=f"{clients.endpoint_url}/{ARTIFACTS_BUCKET}/{template_key}",
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
        Capabilities=_CAPABILITIES,
    )
    stack = _wait(cloudformation, stack_name)
    if stack["StackStatus"] != ("UPDATE_COMPLETE" if is_update else "CREATE_COMPLETE"):
        reasons = "\n".join(f"  {reason}" for reason in _failures(cloudformation, stack_name))
        raise DeployError(f"{stack_name} ended as {stack['StackStatus']}:\n{reasons or '  no reason was given'}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _wait(cloudformation: CloudFormationClient, stack_name: str) -> StackTypeDef:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        if time.monotonic() > deadline:
            raise DeployError(f"{stack_name} was still {stack['StackStatus']} after {TIMEOUT_SECONDS} s")
        # CloudFormation's own waiter sleeps for 30 s at a time; a local stack takes less than one.
        time.sleep(0.05)


def _failures(cloudformation: CloudFormationClient, stack_name: str) -> Iterator[str]:
    events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
    for event in reversed(events):
        if event.get("ResourceStatus", "").endswith("_FAILED"):
            reason = event.get("ResourceStatusReason", "no reason given")
            yield f"{event.get('LogicalResourceId')} ({event.get('ResourceType')}): {reason}"
