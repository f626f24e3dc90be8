"""What happened to a task, moment by moment: the histories of its workflow's executions, its status, its deliveries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from kiln_cli.installation import Installation
from kiln_cli.operating.moments import duration

BELL, TIMER = "bell", "timer"

_CAUSE_CHARACTERS = 300
_IS_TAKEN = "ConditionalCheckFailedException"
_PARKINGS = {
    "AwaitTurn": (
        "woken: slots may have come free",
        "nobody woke it: looks for slots itself",
        "woken before it parked",
    ),
    "AwaitCallback": ("woken by the bell", "no bell: the timer woke it", "the bell rang before it parked"),
}
_OUTCOMES = {
    ("Dispatch", "dispatched"): "the provider took it",
    ("Dispatch", "adopted"): "the provider had it already",
    ("Dispatch", "again"): "the provider does not take it yet",
    ("Poll", "running"): "the provider is still at it",
    ("Poll", "processing"): "the provider has begun: status processing",
    ("Poll", "generated"): "the provider is done",
    ("Collect", "again"): "the images cannot be had yet",
    ("Collect", "ended"): "the images are copied",
}
_PLAIN = {
    "PublishSubmitted": "event Image Task Submitted",
    "PublishProcessing": "event Image Task Processing",
    "NotifySubmitted": "telling the caller: submitted",
    "NotifyProcessing": "telling the caller: processing",
    "HandOnSlot": "slots given back before the images are here",
    "ReleaseSlot": "slots given back",
    "ReleaseSlotAfterFault": "slots given back after a fault",
    "Publish": "event of its end",
    "Notify": "telling whoever asked of its end",
}
_EXECUTION = {
    "ExecutionStarted": "workflow started",
    "ExecutionSucceeded": "workflow done",
    "ExecutionFailed": "workflow failed",
    "ExecutionTimedOut": "workflow timed out",
    "ExecutionAborted": "workflow stopped",
}
_TOLD = ("submitted", "processing", "succeed", "failed")


@dataclass(frozen=True)
class Moment:
    """One thing that happened.

    Attributes:
        at: Milliseconds since the epoch.
        what: In words.
        detail: What was said with it, such as the provider's own words.
        where: The execution and the state, or where else it is written.
        wake_up: ``bell`` or ``timer``, where that made the workflow ask the provider.
    """

    at: int
    what: str
    detail: str = ""
    where: str = ""
    wake_up: str = ""


def moments_of(task: dict[str, Any], installation: Installation) -> list[Moment]:
    """Everything that is known of a task, in order of time.

    Args:
        task: As the table holds it.
        installation: Where its workflow ran.
    """
    # A release before this one named executions after the task's id.
    run_id = task.get("run_id") or task["task_id"]
    found = [*_of_item(task), *_of_workflow(run_id, installation), *_of_notifications(run_id, installation)]
    return sorted(found, key=lambda moment: moment.at)


def moments_of_execution(name: str, events: Iterable[dict[str, Any]]) -> Iterator[Moment]:
    """What one execution of the workflow did."""
    state, error = "", ""
    for event in events:
        at, kind = round(event["timestamp"].timestamp() * 1_000), event["type"]
        moment = None
        if "stateEnteredEventDetails" in event:
            state, error = event["stateEnteredEventDetails"]["name"], ""
        elif kind == "TaskScheduled":
            # A retry: what the try before it failed with is not what the state comes to.
            error = ""
        elif "stateExitedEventDetails" in event:
            output = json.loads(event["stateExitedEventDetails"].get("output") or "{}")
            moment = _left(at, state, error, output, f"{name} {state}")
        elif kind in _EXECUTION:
            moment = Moment(at, _EXECUTION[kind], _said(_details(event)), name)
        elif kind.endswith(("Failed", "TimedOut")):
            error = _details(event).get("error") or kind
            if state not in _PARKINGS and _IS_TAKEN not in error:
                moment = Moment(at, f"fault in {state}", _said(_details(event)), f"{name} {state}")
        if moment is not None:
            yield moment


def _left(at: int, state: str, error: str, output: dict[str, Any], where: str) -> Moment | None:
    """What a state came to, by its name and its output."""
    if state == "TakeSlot" and (not error or _IS_TAKEN in error):
        return Moment(at, "no slots for it: stands in line" if error else "has its slots", where=where)
    if state in _PARKINGS:
        rung, timed_out, before = _PARKINGS[state]
        what = rung if not error else timed_out if error == "States.Timeout" else before
        wake_up = TIMER if what == timed_out else BELL
        unexpected = error if error and error != "States.Timeout" and _IS_TAKEN not in error else ""
        return Moment(at, what, unexpected, where, wake_up if state == "AwaitCallback" else "")
    result = output.get(state.lower())
    if isinstance(result, dict) and "outcome" in result and not error:
        said = result.get("reason") or ""
        wait = f"again in {result['wait']} s" if result.get("wait") else ""
        what = _OUTCOMES.get((state, result["outcome"]), "it has ended")
        return Moment(at, what, "; ".join(filter(None, (said, wait))), where)
    return Moment(at, _PLAIN[state], where=where) if state in _PLAIN and not error else None


def _of_item(task: dict[str, Any]) -> Iterator[Moment]:
    yield Moment(
        task["created_at"], "accepted: status submitted", f"by {task['caller']}, {task['origin']['door']}", "item"
    )
    if task["task_status"] in {"succeed", "failed"}:
        yield Moment(task["updated_at"], f"status {task['task_status']}", task["task_status_msg"], "item")
    for each in task["deliveries"]:
        answered = f"HTTP {each['http_status']}" if each["http_status"] else each["reason"]
        again = each["next_attempt_at"]
        next_one = f"again in {duration((again - each['attempted_at']) / 1_000)}" if again else ""
        yield Moment(
            each["attempted_at"],
            f"webhook {each['task_status']}: attempt {each['attempt']} {each['outcome'].replace('_', ' ')}",
            "; ".join(filter(None, (answered, next_one))),
            "item",
        )


def _of_workflow(run_id: str, installation: Installation) -> Iterator[Moment]:
    client = installation.client("stepfunctions")
    for times in count():
        name = f"{run_id}-again-{times}" if times else run_id
        arn = _execution_arn(installation.output("StateMachineArn"), name)
        try:
            pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
            yield from moments_of_execution(
                f"again-{times}" if times else "workflow", (event for page in pages for event in page["events"])
            )
        except client.exceptions.ExecutionDoesNotExist:
            # Step Functions keeps a history for 90 days.
            return


def _of_notifications(run_id: str, installation: Installation) -> Iterator[Moment]:
    client = installation.client("stepfunctions")
    for status in _TOLD:
        arn = _execution_arn(installation.output("NotificationWorkflowArn"), f"{run_id}-{status}")
        try:
            found = client.describe_execution(executionArn=arn)
        except client.exceptions.ExecutionDoesNotExist:
            continue
        ended = found.get("stopDate") or found["startDate"]
        what = "goes on trying" if found["status"] == "RUNNING" else found["status"].lower()
        said = "; ".join(filter(None, (found.get("error"), (found.get("cause") or "")[:_CAUSE_CHARACTERS])))
        yield Moment(round(ended.timestamp() * 1_000), f"notification {status}: {what}", said, "notification")


def _execution_arn(state_machine_arn: str, name: str) -> str:
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


def _details(event: dict[str, Any]) -> dict[str, Any]:
    found: Any = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    return found if isinstance(found, dict) else {}


def _said(details: dict[str, Any]) -> str:
    return ": ".join(filter(None, (details.get("error", ""), (details.get("cause") or "")[:_CAUSE_CHARACTERS])))
