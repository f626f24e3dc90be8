"""What the commands for operators have in common: which installation they are about, how AWS's refusals are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Annotated, Any

import httpx
import typer

from kiln_cli.failures import IS_IT_RUNNING, NOT_REACHABLE, CommandFailed
from kiln_cli.installation import Installation, find_installation
from kiln_cli.pictures.command import Command
from kiln_cli.terminal import Terminal
from kiln_client.exchange import LOOPBACK

FOR_OPERATORS = "For operators"
"""The panel of the help that lists these commands."""

_PANEL = "Which installation, and how to answer"

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack", help="The CloudFormation stack [KILN_STACK]; the local one if none is named", rich_help_panel=_PANEL
    ),
]
Region = Annotated[str | None, typer.Option("--region", help="Where it is [AWS_REGION]", rich_help_panel=_PANEL)]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for programs", rich_help_panel=_PANEL)]
Profile = Annotated[str | None, typer.Option("--profile", help="Of AWS's own [AWS_PROFILE]", rich_help_panel=_PANEL)]


class OperatorSession:
    """One run of an operator's command: the installation it is about, and where it writes.

    Attributes:
        terminal: Where output goes.
    """

    def __init__(self, stack: str | None, region: str | None, profile: str | None, *, as_json: bool) -> None:
        self._named = (stack, region, profile)
        self.terminal = Terminal(as_json=as_json)

    @cached_property
    def installation(self) -> Installation:
        """What is operated."""
        return find_installation(*self._named)


class OperatorCommand(Command):
    """A function whose first argument is an ``OperatorSession``, to be mounted with the common options."""

    options = {  # noqa: RUF012 - declared as a class attribute where it comes from
        "stack": (Stack, None),
        "region": (Region, None),
        "profile": (Profile, None),
        "as_json": (AsJson, False),
    }
    session = OperatorSession


def operator_command(
    app: typer.Typer, name: str, panel: str | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a function a command of an application; what AWS refuses becomes one line and an exit status."""

    def mount(function: Callable[..., None]) -> Callable[..., None]:
        OperatorCommand(_told_plainly(function), name).mount(app, panel)
        return function

    return mount


def _told_plainly(function: Callable[..., None]) -> Callable[..., None]:
    @wraps(function)
    def call(session: OperatorSession, **given: Any) -> None:
        try:
            function(session, **given)
        except Exception as error:
            raise told(error) or error from error

    return call


def told(error: Exception) -> CommandFailed | None:
    """An error of boto3 in one line; ``None`` for any other. botocore is looked at only when it has been imported."""
    module = type(error).__module__.partition(".")[0]
    if module not in {"botocore", "boto3"}:
        return None
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "Error" in response:
        operation = getattr(error, "operation_name", "AWS")
        return CommandFailed(f"{operation}: {response['Error'].get('Message') or response['Error'].get('Code')}")
    endpoint = getattr(error, "kwargs", {}).get("endpoint_url", "")
    hint = f"; {IS_IT_RUNNING}" if httpx.URL(endpoint).host in LOOPBACK else ""
    return CommandFailed(f"AWS: {error}{hint}", NOT_REACHABLE)
