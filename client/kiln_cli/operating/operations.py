"""The operations of Kiln's functions for operators. The service's module of the same name performs most of them."""

from __future__ import annotations

import json
from typing import Any, Literal

from kiln_cli.failures import CommandFailed
from kiln_cli.operating.installation import Installation

Operation = Literal["status", "pause", "resume", "show", "fail", "restart", "retry", "check-provider"]


class OperationRefused(CommandFailed):
    """The installation refuses an operation; the message has its reason."""


def operate(installation: Installation, operation: Operation, **arguments: str) -> dict[str, Any]:
    """Runs an operation and returns its result.

    Raises:
        OperationRefused: The function refuses the operation.
        CommandFailed: The function failed.
    """
    content = _invoke(installation, "OperateFunctionName", {"operation": operation, **arguments})
    if content["refusal"]:
        raise OperationRefused(content["refusal"])
    result: dict[str, Any] = content["result"]
    return result


def erase(installation: Installation, caller: str, *, dry_run: bool = False) -> dict[str, Any]:
    """Deletes tasks of a caller for some seconds, and returns what was done and what is left.

    Raises:
        CommandFailed: The function failed.
    """
    return _invoke(installation, "DeleteFunctionName", {"erase": caller, "dry_run": dry_run})


def _invoke(installation: Installation, output: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = installation.client("lambda").invoke(
        FunctionName=installation.output(output), Payload=json.dumps(event).encode()
    )
    content: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise CommandFailed(f"the function for operators failed: {content.get('errorMessage', content)}")
    return content
