"""A task's history: its workflow's executions, its status and its webhooks, in order of time.

The workflow's steps are described by the comments in the deployed definition of the state machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from kiln_cli.operating import executions
from kiln_cli.operating.installation import Installation
from kiln_cli.operating.moments import duration

REQUESTED, TIMER = "requested", "timer"
"""The two kinds of wake-ups."""

_AWAITS_THE_PROVIDER = "AwaitCallback"
_PARKS = ".waitForTaskToken"
_TIMEOUT = "States.Timeout"
_CONDITION_FAILED = "ConditionalCheckFailedException"
_CAUSE_CHARACTERS = 300
_EXECUTION = {
    "ExecutionStarted": "workflow started",
    "ExecutionSucceeded": "workflow done",
    "ExecutionFailed": "workflow failed",
    "ExecutionTimedOut": "workflow timed out",
    "ExecutionAborted": "workflow stopped",
}
_NOTIFIED = ("submitted", "processing", "succeed", "failed")

States = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Moment:
    """One event of the history.

    Attributes:
        at: Milliseconds since the epoch.
        what: The event; for a state of the workflow its comment.
        detail: The outcome, such as the provider's own words.
        where: The execution and the state, or another source.
        wake_up: ``requested`` or ``timer``, if the workflow now asks the provider.
    """

    at: int
    what: str
    detail: str = ""
    where: str = ""
    wake_up: str = ""


def moments_of(task: dict[str, Any], installation: Installation) -> list[Moment]:
    """Returns all that is known about a task, in order of time.

    Args:
        task: The task's item.
        installation: The installation of its workflow.
    """
    run = task.get("run_id") or task["task_id"]
    found = [*_of_item(task), *_of_workflow(run, installation), *_of_notifications(run, installation)]
    return sorted(found, key=lambda moment: moment.at)


def moments_of_execution(name: str, events: Iterable[dict[str, Any]], states: States) -> Iterator[Moment]:
    """Returns the events of one execution.

    Args:
        name: The execution, as the history names it.
        events: Step Functions' own history.
        states: The states of the definition, by name.
    """
    state, error = "", ""
    for event in events:
        at, kind = round(event["timestamp"].timestamp() * 1_000), event["type"]
        where = f"{name} {state}"
        if "stateEnteredEventDetails" in event:
            state, error = event["stateEnteredEventDetails"]["name"], ""
        elif kind == "TaskScheduled":
            # A retry: the error of the attempt before is not the state's outcome.
            error = ""
        elif kind == "TaskStateExited":
            output = json.loads(event["stateExitedEventDetails"].get("output") or "{}")
            moment = _of_state(at, state, states.get(state, {}), error, output, where)
            if moment is not None:
                yield moment
        elif kind in _EXECUTION:
            yield Moment(at, _EXECUTION[kind], _reason(_details(event)), name)
        elif kind.endswith(("Failed", "TimedOut")):
            error = _details(event).get("error") or kind
            if not _parks(states.get(state, {})) and _CONDITION_FAILED not in error:
                yield Moment(at, f"fault in {state}", _reason(_details(event)), where)


def _of_state(
    at: int, name: str, state: Mapping[str, Any], error: str, output: dict[str, Any], where: str
) -> Moment | None:
    # The first sentence of a comment says what the state does, the others say why.
    what = str(state.get("Comment", name)).partition(". ")[0].removesuffix(".")
    if _parks(state):
        wake_up = (TIMER if error == _TIMEOUT else REQUESTED) if name == _AWAITS_THE_PROVIDER else ""
        return Moment(at, what, _how_it_woke(error), where, wake_up)
    # A fault has its own moment already.
    return (
        None
        if error
        else Moment(at, what, _outcome(output.get(str(state.get("ResultPath") or f"$.{name.lower()}")[2:])), where)
    )


def _how_it_woke(error: str) -> str:
    if not error:
        return "woken"
    if error == _TIMEOUT:
        return "not woken in time: the timer ended the wait"
    return "a wake-up was requested before it waited" if _CONDITION_FAILED in error else error


def _outcome(result: Any) -> str:
    """The outcome of a state that runs a function, with its reason and the time until the next attempt."""
    if not isinstance(result, dict) or "outcome" not in result:
        return ""
    wait = f"next attempt in {result['wait']} s" if result.get("wait") else ""
    return "; ".join(filter(None, (result["outcome"], result.get("reason"), wait)))


def _of_item(task: dict[str, Any]) -> Iterator[Moment]:
    caller = f"by {task['caller']}, channel {task['origin']['channel']}"
    yield Moment(task["created_at"], "accepted: status submitted", caller, "item")
    if task["task_status"] in {"succeed", "failed"}:
        yield Moment(task["updated_at"], f"status {task['task_status']}", task["task_status_msg"], "item")
    for each in task["deliveries"]:
        answer = f"HTTP {each['http_status']}" if each["http_status"] else each["reason"]
        again = each["next_attempt_at"]
        next_one = f"next attempt in {duration((again - each['attempted_at']) / 1_000)}" if again else ""
        yield Moment(
            each["attempted_at"],
            f"webhook {each['task_status']}: attempt {each['attempt']} {each['outcome'].replace('_', ' ')}",
            "; ".join(filter(None, (answer, next_one))),
            "item",
        )


def _of_workflow(run: str, installation: Installation) -> Iterator[Moment]:
    client, machine = installation.client("stepfunctions"), installation.output("StateMachineArn")
    states = json.loads(client.describe_state_machine(stateMachineArn=machine)["definition"])["States"]
    for times in count():
        arn = _execution_arn(machine, executions.write(run, times))
        try:
            pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
            events = (event for page in pages for event in page["events"])
            yield from moments_of_execution(executions.write("workflow", times), events, states)
        except client.exceptions.ExecutionDoesNotExist:
            # Step Functions keeps a history for 90 days.
            return


def _of_notifications(run: str, installation: Installation) -> Iterator[Moment]:
    client = installation.client("stepfunctions")
    for status in _NOTIFIED:
        arn = _execution_arn(installation.output("NotificationWorkflowArn"), f"{run}-{status}")
        try:
            found = client.describe_execution(executionArn=arn)
        except client.exceptions.ExecutionDoesNotExist:
            continue
        ended = found.get("stopDate") or found["startDate"]
        what = "still trying" if found["status"] == "RUNNING" else found["status"].lower()
        yield Moment(round(ended.timestamp() * 1_000), f"notification {status}: {what}", _reason(found), "notification")


def _parks(state: Mapping[str, Any]) -> bool:
    return str(state.get("Resource", "")).endswith(_PARKS)


def _execution_arn(state_machine_arn: str, name: str) -> str:
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


def _details(event: dict[str, Any]) -> dict[str, Any]:
    found: Any = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    return found if isinstance(found, dict) else {}


def _reason(details: dict[str, Any]) -> str:
    return ": ".join(filter(None, (details.get("error", ""), (details.get("cause") or "")[:_CAUSE_CHARACTERS])))
