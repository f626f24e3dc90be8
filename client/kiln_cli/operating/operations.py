"""The operations of Kiln's function for operators. The service's module of the same name performs them."""

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
    answer = installation.client("lambda").invoke(
        FunctionName=installation.output("OperateFunctionName"),
        Payload=json.dumps({"operation": operation, **arguments}).encode(),
    )
    content = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise CommandFailed(f"the function for operators failed: {content.get('errorMessage', content)}")
    if content["refusal"]:
        raise OperationRefused(content["refusal"])
    result: dict[str, Any] = content["result"]
    return result
