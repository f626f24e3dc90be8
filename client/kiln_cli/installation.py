"""A Kiln installation as an operator sees it: a CloudFormation stack's outputs, and AWS clients for what they name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kiln_cli.connection import LOCAL_STACK
from kiln_cli.failures import NOT_REACHABLE, USAGE, CommandFailed

_HOW_TO_NAME_IT = (
    "no installation is known here: name its stack with --stack or KILN_STACK, or start a local one (make up)"
)


class OperationRefused(CommandFailed):
    """The installation says why it does not do what was asked for."""


@dataclass
class Installation:
    """One deployed stack.

    Attributes:
        name: Of the stack.
        session: A boto3 session for its account and region.
        client_options: What every client is made with.
        is_local: Whether it is a stack of this computer.
    """

    name: str
    session: Any
    client_options: Mapping[str, Any] = field(default_factory=dict)
    is_local: bool = False

    @property
    def region(self) -> str:
        """Where it is."""
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
        """The parameters that it was deployed with."""
        return {each["ParameterKey"]: each.get("ParameterValue", "") for each in self._stack.get("Parameters", [])}

    def output(self, name: str) -> str:
        """One output.

        Raises:
            CommandFailed: The stack does not have it.
        """
        if name not in self.outputs:
            raise CommandFailed(f"the stack {self.name} has no output {name}: is it Kiln's, and of this version?")
        return self.outputs[name]

    @property
    def api_url(self) -> str:
        """The base of ``/v1/…``."""
        return self.output("ApiUrl")

    def resources(self, kind: str) -> dict[str, str]:
        """Names of the stack's resources of a type, by their logical ids."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        listed = [each for page in pages for each in page["StackResourceSummaries"]]
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed if each["ResourceType"] == kind
        }

    def operate(self, operation: str, **arguments: str) -> dict[str, Any]:
        """Has the installation do something: Kiln's own function for operators is invoked.

        Raises:
            OperationRefused: It says why not.
            CommandFailed: The function itself broke.
        """
        answer = self.client("lambda").invoke(
            FunctionName=self.output("OperateFunctionName"),
            Payload=json.dumps({"operation": operation, **arguments}).encode(),
        )
        told = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise CommandFailed(f"the function for operators broke: {told.get('errorMessage', told)}")
        if told["refusal"]:
            raise OperationRefused(told["refusal"])
        result: dict[str, Any] = told["result"]
        return result

    @cached_property
    def _stack(self) -> dict[str, Any]:
        stacks = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        found: dict[str, Any] = stacks[0]
        return found


def find_installation(
    stack: str | None = None,
    region: str | None = None,
    profile: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Installation:
    """Finds out which installation to operate.

    A stack that is named by option or by ``KILN_STACK`` comes first; otherwise it is the local stack of this folder or
    of one above it.

    Raises:
        CommandFailed: None is named and none is here, or boto3 is missing.
    """
    environment = os.environ if environment is None else environment
    boto3 = _boto3()
    named = stack or environment.get("KILN_STACK")
    if named:
        # boto3 knows AWS_DEFAULT_REGION alone; the AWS CLI goes by AWS_REGION first, and both are to mean one place.
        session = boto3.Session(profile_name=profile, region_name=region or environment.get("AWS_REGION") or None)
        if session.region_name is None:
            raise CommandFailed("which region is it in? give --region or set AWS_REGION", USAGE)
        return Installation(named, session)
    folder = folder or Path.cwd()
    for each in (folder, *folder.parents):
        file = each / LOCAL_STACK
        if file.is_file():
            return _local(file, boto3)
    raise CommandFailed(_HOW_TO_NAME_IT, NOT_REACHABLE)


def _local(file: Path, boto3: Any) -> Installation:
    from botocore.config import Config  # noqa: PLC0415 - an optional dependency

    try:
        here = json.loads(file.read_text(encoding="utf-8"))
        session = boto3.Session(here["aws_access_key_id"], here["aws_secret_access_key"], region_name=here["region"])
        # Proxies are for the world outside.
        config = Config(proxies={}, s3={"addressing_style": "path"})
        options = {"endpoint_url": here["aws_endpoint_url"], "config": config}
        return Installation(here["stack_name"], session, options, is_local=True)
    except (OSError, ValueError, KeyError, TypeError):
        raise CommandFailed(f"{file}: is not what a local stack writes", NOT_REACHABLE) from None


def _boto3() -> Any:
    try:
        import boto3  # noqa: PLC0415 - an optional dependency
    except ImportError:
        raise CommandFailed("operators' commands need boto3: pip install 'kiln-client[aws]'", USAGE) from None
    return boto3
