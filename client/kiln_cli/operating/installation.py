"""A Kiln installation: a CloudFormation stack's outputs, and AWS clients for them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kiln_cli.connection import NO_DESCRIPTION, local_stack, no_local_stack
from kiln_cli.failures import NOT_REACHABLE, USAGE, CommandFailed

_NESTED_STACK = "AWS::CloudFormation::Stack"


@dataclass
class Installation:
    """One deployed stack.

    Attributes:
        name: The stack's name.
        session: A boto3 session for its account and region.
        client_options: The options of every AWS client.
        is_local: Whether the stack runs on this computer.
    """

    name: str
    session: Any
    client_options: Mapping[str, Any] = field(default_factory=dict)
    is_local: bool = False

    @property
    def region(self) -> str:
        """The stack's region."""
        return str(self.session.region_name)

    def client(self, service: str) -> Any:
        """A client of an AWS service."""
        made = self._clients.get(service)
        if made is None:
            made = self._clients[service] = self.session.client(service, **self.client_options)
        return made

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        return {each["OutputKey"]: each["OutputValue"] for each in self._stack.get("Outputs", [])}

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The stack's parameters."""
        return {each["ParameterKey"]: each.get("ParameterValue", "") for each in self._stack.get("Parameters", [])}

    def output(self, name: str) -> str:
        """One output.

        Raises:
            CommandFailed: The stack does not have this output.
        """
        if name not in self.outputs:
            raise CommandFailed(f"stack {self.name} has no output {name}; check that it is a Kiln of this version")
        return self.outputs[name]

    @property
    def api_url(self) -> str:
        """The base of ``/v1/…``."""
        return self.output("ApiUrl")

    def resources(self, kind: str) -> dict[str, str]:
        """Names of the resources of a type, by their logical ids, with those of nested stacks."""
        return dict(self._resources(self.name, kind))

    def _resources(self, stack: str, kind: str) -> Iterator[tuple[str, str]]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        for each in (each for page in pages for each in page["StackResourceSummaries"]):
            if each["ResourceType"] == kind:
                yield each["LogicalResourceId"], each["PhysicalResourceId"]
            elif each["ResourceType"] == _NESTED_STACK:
                yield from self._resources(each["PhysicalResourceId"], kind)

    @cached_property
    def _stack(self) -> dict[str, Any]:
        client = self.client("cloudformation")
        try:
            found: dict[str, Any] = client.describe_stacks(StackName=self.name)["Stacks"][0]
        except client.exceptions.ClientError as error:
            if "does not exist" not in str(error):
                raise
            missing = f"no stack {self.name} in {self.region}; check --stack and --region"
            raise CommandFailed(missing, NOT_REACHABLE) from None
        return found


def find_installation(
    stack: str | None = None,
    region: str | None = None,
    profile: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Installation:
    """Finds the installation to operate.

    The order is: ``--stack``; ``KILN_STACK``; the local stack of this folder or of one above it.

    Raises:
        CommandFailed: No stack is named and none is here, or boto3 is missing.
    """
    environment = os.environ if environment is None else environment
    boto3 = _boto3()
    named = stack or environment.get("KILN_STACK")
    if named:
        # The AWS CLI prefers AWS_REGION; boto3 reads only AWS_DEFAULT_REGION.
        session = boto3.Session(profile_name=profile, region_name=region or environment.get("AWS_REGION") or None)
        if session.region_name is None:
            raise CommandFailed("--region, AWS_REGION or AWS_DEFAULT_REGION is required", USAGE)
        return Installation(named, session)
    folder = folder or Path.cwd()
    found = local_stack(folder)
    if found is None:
        ways = f"{no_local_stack(folder)}, or name a stack with --stack or KILN_STACK"
        raise CommandFailed(ways, NOT_REACHABLE)
    return _local(*found, boto3)


def _local(file: Path, here: Any, boto3: Any) -> Installation:
    from botocore.config import Config  # noqa: PLC0415 - an optional dependency

    try:
        session = boto3.Session(here["aws_access_key_id"], here["aws_secret_access_key"], region_name=here["region"])
        # A proxy cannot reach this computer's own ports.
        config = Config(proxies={}, s3={"addressing_style": "path"})
        options = {"endpoint_url": here["aws_endpoint_url"], "config": config}
        return Installation(here["stack_name"], session, options, is_local=True)
    except (KeyError, TypeError):
        raise CommandFailed(f"{file}: {NO_DESCRIPTION}", NOT_REACHABLE) from None


def _boto3() -> Any:
    try:
        import boto3  # noqa: PLC0415 - an optional dependency
    except ImportError:
        raise CommandFailed("the commands for operators need boto3: pip install 'kiln-client[aws]'", USAGE) from None
    return boto3
