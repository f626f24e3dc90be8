"""The states that an execution of the local AWS went through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True)
class Step:
    """One state that an execution went through.

    Attributes:
        name: Of the state.
        seconds: How long it was in there.
        error: What it failed with, if it did.
    """

    name: str
    seconds: float
    error: str


def steps_of(client: SFNClient, execution_arn: str) -> list[Step]:
    """The states that an execution went through, in order; those it is still in are left out."""
    history = client.get_execution_history(executionArn=execution_arn, maxResults=1000)
    steps: list[Step] = []
    name, entered, error = "", 0.0, ""
    for event in history["events"]:
        at = event["timestamp"].timestamp()
        if "stateEnteredEventDetails" in event:
            name, entered, error = event["stateEnteredEventDetails"]["name"], at, ""
        elif event["type"] in ("TaskFailed", "TaskTimedOut"):
            details: Any = event.get("taskFailedEventDetails") or event.get("taskTimedOutEventDetails") or {}
            error = details.get("error", "unnamed")
        elif "stateExitedEventDetails" in event:
            steps.append(Step(name, at - entered, error))
    return steps
