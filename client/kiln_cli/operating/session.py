"""The session of a command for operators: its installation, and AWS's errors as one line."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import Annotated, Any

import httpx
import typer

from kiln_cli.command import CommandContext, SharedOptionsCommand
from kiln_cli.failures import NOT_REACHABLE, START_THE_STACK, USAGE, CommandFailed
from kiln_cli.operating.installation import Installation, find_installation
from kiln_client.request import LOOPBACK

FOR_OPERATORS = "For operators"
"""The panel of the help that lists these commands."""

_PANEL = "Installation and output"

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack", help="The CloudFormation stack [KILN_STACK]; default is the local stack", rich_help_panel=_PANEL
    ),
]
Region = Annotated[str | None, typer.Option("--region", help="The stack's region [AWS_REGION]", rich_help_panel=_PANEL)]
AwsProfile = Annotated[
    str | None,
    typer.Option("--aws-profile", help="A profile of the AWS CLI [AWS_PROFILE]", rich_help_panel=_PANEL),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs", rich_help_panel=_PANEL)]


class OperatorSession(CommandContext):
    """One run of a command for operators."""

    @cached_property
    def installation(self) -> Installation:
        """The installation to operate."""
        return find_installation(self.shared["stack"], self.shared["region"], self.shared["aws_profile"])

    def confirm(self, question: str, *, yes: bool, kept: str) -> None:
        """Asks a person, unless the answer was passed.

        Args:
            question: Can be answered with yes.
            yes: The value of ``--yes``.
            kept: What did not happen if the answer is no.

        Raises:
            CommandFailed: The answer is no, or there is no terminal to ask on.
        """
        if not yes and not sys.stdin.isatty():
            raise CommandFailed(f"--yes is required when there is no terminal to ask on; {kept}", USAGE)
        if not yes and not typer.confirm(question, err=True):
            raise CommandFailed(kept)

    def answer(self, document: dict[str, Any], *lines: str) -> None:
        """Prints a document in JSON, or else lines."""
        if self.terminal.as_json:
            self.terminal.document(document)
        else:
            self.terminal.lines(lines)


def _options(
    stack: Stack = None, region: Region = None, aws_profile: AwsProfile = None, as_json: AsJson = False
) -> None:
    """Declares the options of every command for operators."""


class OperatorCommand(SharedOptionsCommand):
    """A command that runs in an ``OperatorSession``; an error of AWS becomes one line and an exit status."""

    shared_options = staticmethod(_options)
    context_class = OperatorSession

    def invoke(self, ctx: Any) -> Any:
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            raise aws_failure(error) or error from error


def aws_failure(error: Exception) -> CommandFailed | None:
    """An error of boto3 in one line; ``None`` for any other error. It does not import botocore."""
    module = type(error).__module__.partition(".")[0]
    if module not in {"botocore", "boto3"}:
        return None
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        operation = getattr(error, "operation_name", "AWS")
        return CommandFailed(f"{operation}: {response['Error'].get('Message') or response['Error'].get('Code')}")
    endpoint = getattr(error, "kwargs", {}).get("endpoint_url", "")
    hint = f"; {START_THE_STACK}" if httpx.URL(endpoint).host in LOOPBACK else ""
    return CommandFailed(f"AWS: {error}{hint}", NOT_REACHABLE)
