"""``kiln task``: a task's history, its repair, and the dead-letter queues."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kiln_cli.operating.dead_letters import task_id_of, waiting
from kiln_cli.operating.history import moments_of_execution
from kiln_cli.operating.installation import Installation
from tests.unit.client.operating.conftest import Executions, Operate, Run

TASK_ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
BEGAN = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
BEGAN_MS = int(BEGAN.timestamp() * 1_000)
TAKEN = "DynamoDb.ConditionalCheckFailedException"

TASK: dict[str, Any] = {
    "task_id": TASK_ID,
    "caller": "shop",
    "external_task_id": "order-1",
    "task_status": "succeed",
    "task_status_msg": "",
    "created_at": BEGAN_MS,
    "updated_at": BEGAN_MS + 9_000,
    "model_name": "kling-v2",
    "prompt": "A secret prompt",
    "n": 2,
    "aspect_ratio": "16:9",
    "origin": {"channel": "api"},
    "inputs": [],
    "provider_task_id": "188",
    "refusal": "",
    "dispatch_attempts": 1,
    "polls": 2,
    "queue": "",
    "final_unit_deduction": "32",
    "deliveries": [
        {
            "task_status": "succeed",
            "attempt": 1,
            "attempted_at": BEGAN_MS + 10_000,
            "outcome": "retry",
            "http_status": 500,
            "reason": "HTTP 500",
            "next_attempt_at": BEGAN_MS + 15_000,
        },
        {
            "task_status": "succeed",
            "attempt": 2,
            "attempted_at": BEGAN_MS + 15_000,
            "outcome": "given_up",
            "http_status": None,
            "reason": "no answer",
            "next_attempt_at": None,
        },
    ],
}


def events(*steps: tuple[str, str, dict[str, Any]]) -> list[dict[str, Any]]:
    """An execution's history: of each state its name, the error it met, and its output."""
    made: list[dict[str, Any]] = [{"type": "ExecutionStarted", "executionStartedEventDetails": {}}]
    for name, error, output in steps:
        made.append({"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}})
        if error == "States.Timeout":
            made.append({"type": "TaskTimedOut", "taskTimedOutEventDetails": {"error": error}})
        elif error:
            made.append({"type": "TaskFailed", "taskFailedEventDetails": {"error": error, "cause": "because"}})
        exited = {"name": name, "output": json.dumps(output)}
        made.append({"type": "TaskStateExited", "stateExitedEventDetails": exited})
    made.append({"type": "ExecutionSucceeded", "executionSucceededEventDetails": {}})
    return [{**each, "timestamp": BEGAN + timedelta(seconds=number)} for number, each in enumerate(made)]


PARKS = "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken"
STATES: dict[str, dict[str, Any]] = {
    "AcquireSlots": {"Comment": "Acquire slots."},
    "AwaitTurn": {"Comment": "Wait in the queue.", "Resource": PARKS},
    "Dispatch": {"Comment": "Create the task at the provider."},
    "AwaitCallback": {"Comment": "Wait for the provider.", "Resource": PARKS},
    "Poll": {"Comment": "Ask the provider. The callback is not believed."},
    "Collect": {"Comment": "Store the images."},
    "ReleaseSlots": {"Comment": "Release the slots."},
    "Notify": {},
}


def shown(*steps: tuple[str, str, dict[str, Any]]) -> list[tuple[str, str, str]]:
    moments = moments_of_execution("workflow", events(*steps), STATES)
    return [(each.what, each.detail, each.wake_up) for each in moments][1:-1]


def outcome(step: str, name: str, reason: str = "", wait: int = 0) -> dict[str, Any]:
    return {step: {"outcome": name, "reason": reason, "wait": wait}}


@pytest.mark.parametrize(
    ("step", "moment"),
    [
        (("AcquireSlots", "", {}), ("Acquire slots", "", "")),
        (("AwaitTurn", "", {}), ("Wait in the queue", "woken", "")),
        (
            ("AwaitTurn", "States.Timeout", {}),
            ("Wait in the queue", "not woken in time: the timer ended the wait", ""),
        ),
        (("AwaitCallback", "", {}), ("Wait for the provider", "woken", "requested")),
        (
            ("AwaitCallback", TAKEN, {}),
            ("Wait for the provider", "a wake-up was requested before it waited", "requested"),
        ),
        (
            ("AwaitCallback", "States.Timeout", {}),
            ("Wait for the provider", "not woken in time: the timer ended the wait", "timer"),
        ),
        (
            ("AwaitCallback", "DynamoDb.ThrottlingException", {}),
            ("Wait for the provider", "DynamoDb.ThrottlingException", "requested"),
        ),
        (
            ("Dispatch", "", outcome("dispatch", "again", "full (code 1303)", 4)),
            ("Create the task at the provider", "again; full (code 1303); next attempt in 4 s", ""),
        ),
        (("Poll", "", outcome("poll", "ended", "deadline")), ("Ask the provider", "ended; deadline", "")),
        (("Notify", "", {}), ("Notify", "", "")),
        (("OfAnOlderDefinition", "", {}), ("OfAnOlderDefinition", "", "")),
    ],
)
def test_state_is_shown_by_its_comment_and_outcome(
    step: tuple[str, str, dict[str, Any]], moment: tuple[str, str, str]
) -> None:
    assert shown(step) == [moment]


@pytest.mark.parametrize("kind", ["ChoiceState", "WaitState"])
def test_choice_and_wait_states_are_left_out(kind: str) -> None:
    history = events(("IsGenerated?", "", outcome("dispatch", "again")))
    history = [{**each, "type": each["type"].replace("TaskState", kind)} for each in history]
    moments = [each.what for each in moments_of_execution("workflow", history, STATES)]
    assert moments == ["workflow started", "workflow done"]


def test_fault_is_shown_before_the_state_that_follows() -> None:
    moments = shown(("Poll", "Lambda.Unknown", {}), ("ReleaseSlots", "", {}))
    assert moments[0] == ("fault in Poll", "Lambda.Unknown: because", "")
    assert moments[1][0] == "Release the slots"


def test_retried_state_has_the_outcome_of_its_last_attempt() -> None:
    history = events(("AcquireSlots", "DynamoDB.ThrottlingException", {}))
    scheduled = {"type": "TaskScheduled", "timestamp": BEGAN + timedelta(seconds=2), "taskScheduledEventDetails": {}}
    moments = [each.what for each in moments_of_execution("workflow", [*history[:3], scheduled, *history[3:]], STATES)]
    assert moments == ["workflow started", "fault in AcquireSlots", "Acquire slots", "workflow done"]


def test_access_denied_is_a_fault_and_not_a_full_queue() -> None:
    assert [what for what, _, _ in shown(("AcquireSlots", "DynamoDB.AccessDeniedException", {}))] == [
        "fault in AcquireSlots"
    ]


def test_stopped_execution_has_its_reason() -> None:
    aborted = {
        "type": "ExecutionAborted",
        "timestamp": BEGAN,
        "executionAbortedEventDetails": {"error": "Kiln.Restarted", "cause": "An operator"},
    }
    (moment,) = moments_of_execution("workflow", [aborted], STATES)
    assert (moment.what, moment.detail) == ("workflow stopped", "Kiln.Restarted: An operator")


def test_show_prints_the_whole_history_in_order(kiln: Run, operate: Operate, histories: Executions) -> None:
    operate.will("show", TASK)
    histories.definition = STATES
    histories.histories[TASK_ID] = events(("AcquireSlots", "", {}), ("AwaitCallback", "States.Timeout", {}))
    histories.histories[f"{TASK_ID}-again-1"] = events(("AwaitCallback", "", {}))
    histories.states[f"{TASK_ID}-succeed"] = {
        "status": "FAILED",
        "startDate": BEGAN,
        "stopDate": BEGAN + timedelta(seconds=20),
        "error": "States.TaskFailed",
    }
    printed = kiln("task", "show", TASK_ID)
    assert printed.status == 0
    assert "1 requested, 1 by the timer" in printed.out
    assert TASK["prompt"] not in printed.out
    assert "2026-11-22T21:00:10.000+00:00\t+10.0 s\twebhook succeed: attempt 1 retry\t" in printed.out
    answer = kiln("task", "show", TASK_ID, "--json")
    assert TASK["prompt"] not in answer.out
    history = answer.json["history"]
    assert [each["at"] for each in history] == sorted(each["at"] for each in history)
    lines = [(each["what"], each["detail"]) for each in history]
    assert lines[0] == ("accepted: status submitted", "by shop, channel api")
    assert ("webhook succeed: attempt 1 retry", "HTTP 500; next attempt in 5.0 s") in lines
    assert ("webhook succeed: attempt 2 given up", "no answer") in lines
    assert lines[-1] == ("notification succeed: failed", "States.TaskFailed")


def test_show_finds_executions_by_the_run_id(kiln: Run, operate: Operate, histories: Executions) -> None:
    run_id = f"{TASK_ID}_{BEGAN_MS}"
    operate.will("show", TASK | {"run_id": run_id})
    histories.histories[run_id] = events(("AcquireSlots", "", {}))
    histories.states[f"{run_id}-succeed"] = {"status": "RUNNING", "startDate": BEGAN}
    found = [each["what"] for each in kiln("task", "show", TASK_ID, "--json").json["history"]]
    assert "AcquireSlots" in found
    assert "notification succeed: still trying" in found


@pytest.mark.parametrize(("queue", "status"), [("waiting", "submitted in the queue"), ("running", "submitted")])
def test_only_a_waiting_task_is_shown_in_the_queue(
    kiln: Run, operate: Operate, histories: Executions, queue: str, status: str
) -> None:
    operate.will("show", TASK | {"task_status": "submitted", "queue": queue})
    assert f"{'status':<12} {status}\n" in kiln("task", "show", TASK_ID).out


def test_unknown_task_exits_5(kiln: Run, operate: Operate) -> None:
    operate.will("show", refusal="Task not found by id/external id: unknown")
    assert kiln("task", "show", "unknown").status == 5


def did(what: str, execution: str = "") -> dict[str, Any]:
    return {"task_id": TASK_ID, "task_status": "submitted", "did": what, "execution": execution}


def test_retry_of_a_stuck_task_restarts_its_workflow(kiln: Run, operate: Operate) -> None:
    operate.will("show", TASK | {"task_status": "submitted"})
    operate.will("restart", did("restarted", TASK_ID))
    assert "begins again" in kiln("task", "retry", TASK_ID).out


def test_retry_of_a_failed_task_creates_a_new_one(kiln: Run, operate: Operate) -> None:
    operate.will("show", TASK | {"task_status": "failed"})
    operate.will("restart", did("none"))
    operate.will("retry", did("created"))
    assert "was created with the same request" in kiln("task", "retry", TASK_ID).out


def test_retry_of_a_succeeded_task_is_refused(kiln: Run, operate: Operate) -> None:
    operate.will("show", TASK)
    operate.will("restart", did("none"))
    refused = kiln("task", "retry", TASK_ID)
    assert refused.status == 1
    assert "nothing to retry" in refused.err


def test_fail_needs_a_reason(kiln: Run, operate: Operate) -> None:
    operate.will("fail", did("woken"))
    assert kiln("task", "fail", TASK_ID).status == 2
    assert kiln("task", "fail", TASK_ID, "--reason", "Called off").status == 0
    assert operate.events == [{"operation": "fail", "task_id": TASK_ID, "reason": "Called off"}]


@pytest.mark.parametrize(
    "message",
    [
        {"S": f"TASK#{TASK_ID}"},
        {"requestPayload": {"detail": {"name": TASK_ID}}},
        {"requestPayload": {"detail": {"name": f"{TASK_ID}-again-3"}}},
        {"requestPayload": {"detail": {"name": f"{TASK_ID}_{BEGAN_MS}-again-3"}}},
    ],
)
def test_unstarted_message_names_its_task(message: dict[str, Any]) -> None:
    assert task_id_of(json.dumps(message)) == TASK_ID


def test_redrive_moves_dead_letters_and_starts_tasks(kiln: Run, installation: Installation, operate: Operate) -> None:
    sqs = installation.client("sqs")
    for number in range(12):
        sqs.send_message(QueueUrl=installation.output("InboxDeadLettersUrl"), MessageBody=f"letter {number}")
    for body in (json.dumps({"S": f"TASK#{TASK_ID}"}), "null", "{}", '{"S": "CALLER#shop"}'):
        sqs.send_message(QueueUrl=installation.output("UnstartedTasksUrl"), MessageBody=body)
    operate.will("restart", did("started", TASK_ID))
    done = kiln("task", "redrive-dead-letters", "--json")
    assert (done.json["inbox"], done.json["started"], len(done.json["left"])) == (12, 1, 3)
    assert done.status == 1
    assert waiting(installation, "InboxDeadLettersUrl") == 0
    assert waiting(installation, "InboxQueueUrl") == 12
    assert waiting(installation, "UnstartedTasksUrl") == 3


def test_task_that_cannot_be_started_stays_in_the_queue(
    kiln: Run, installation: Installation, operate: Operate
) -> None:
    body = json.dumps({"S": f"TASK#{TASK_ID}"})
    installation.client("sqs").send_message(QueueUrl=installation.output("UnstartedTasksUrl"), MessageBody=body)
    operate.will("restart", refusal="Task not found")
    assert "Task not found" in kiln("task", "redrive-dead-letters").err
    assert waiting(installation, "UnstartedTasksUrl") == 1
