"""A task's history in words, and what is done to a stuck one, a failed one, and those that were put aside."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kiln_cli.operating.dead_letters import task_id_of, waiting
from kiln_cli.operating.history import moments_of_execution

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
    "prompt": "What nobody else may read",
    "n": 2,
    "aspect_ratio": "16:9",
    "origin": {"door": "api"},
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


def told(*steps: tuple[str, str, dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(each.what, each.detail, each.wake_up) for each in moments_of_execution("workflow", events(*steps))][1:-1]


def outcome(step: str, name: str, reason: str = "", wait: int = 0) -> dict[str, Any]:
    return {step: {"outcome": name, "reason": reason, "wait": wait}}


@pytest.mark.parametrize(
    ("step", "moment"),
    [
        (("TakeSlot", "", {}), ("has its slots", "", "")),
        (("TakeSlot", TAKEN, {}), ("no slots for it: stands in line", "", "")),
        (("AwaitTurn", "", {}), ("woken: slots may have come free", "", "")),
        (("AwaitTurn", "States.Timeout", {}), ("nobody woke it: looks for slots itself", "", "")),
        (("AwaitCallback", "", {}), ("woken by the bell", "", "bell")),
        (("AwaitCallback", TAKEN, {}), ("the bell rang before it parked", "", "bell")),
        (("AwaitCallback", "States.Timeout", {}), ("no bell: the timer woke it", "", "timer")),
        (("Dispatch", "", outcome("dispatch", "dispatched")), ("the provider took it", "", "")),
        (
            ("Dispatch", "", outcome("dispatch", "again", "full (code 1303)", 4)),
            ("the provider does not take it yet", "full (code 1303); again in 4 s", ""),
        ),
        (("Poll", "", outcome("poll", "ended", "deadline")), ("it has ended", "deadline", "")),
        (("Collect", "", outcome("collect", "ended")), ("the images are copied", "", "")),
        (("Notify", "", {}), ("telling whoever asked of its end", "", "")),
    ],
)
def test_what_a_state_came_to(step, moment):
    assert told(step) == [moment]


@pytest.mark.parametrize("name", ["HearBell", "Polled", "WaitToDispatch"])
def test_what_says_nothing_is_left_out(name):
    assert told((name, "", outcome("dispatch", "again"))) == []


def test_a_fault_and_what_came_of_it_are_told():
    moments = told(("Poll", "Lambda.Unknown", {}), ("ReleaseSlotAfterFault", "", {}))
    assert moments[0] == ("fault in Poll", "Lambda.Unknown: because", "")
    assert moments[1][0] == "slots given back after a fault"


def test_what_a_retry_comes_to_counts():
    history = events(("TakeSlot", "DynamoDB.ThrottlingException", {}))
    scheduled = {"type": "TaskScheduled", "timestamp": BEGAN + timedelta(seconds=2), "taskScheduledEventDetails": {}}
    moments = [each.what for each in moments_of_execution("workflow", [*history[:3], scheduled, *history[3:]])]
    assert moments == ["workflow started", "fault in TakeSlot", "has its slots", "workflow done"]


def test_a_fault_that_no_retry_mends_is_no_full_provider():
    assert [what for what, _, _ in told(("TakeSlot", "DynamoDB.AccessDeniedException", {}))] == ["fault in TakeSlot"]


def test_an_execution_that_was_stopped_says_why():
    aborted = {
        "type": "ExecutionAborted",
        "timestamp": BEGAN,
        "executionAbortedEventDetails": {"error": "Kiln.Restarted", "cause": "An operator"},
    }
    (moment,) = moments_of_execution("workflow", [aborted])
    assert (moment.what, moment.detail) == ("workflow stopped", "Kiln.Restarted: An operator")


def test_the_whole_story_is_told_in_order(kiln, operate, histories):
    operate.will("show", TASK)
    histories.histories[TASK_ID] = events(("TakeSlot", "", {}), ("AwaitCallback", "States.Timeout", {}))
    histories.histories[f"{TASK_ID}-again-1"] = events(("AwaitCallback", "", {}))
    histories.states[f"{TASK_ID}-succeed"] = {
        "status": "FAILED",
        "startDate": BEGAN,
        "stopDate": BEGAN + timedelta(seconds=20),
        "error": "States.TaskFailed",
    }
    shown = kiln("task", "show", TASK_ID)
    assert shown.status == 0
    assert "1× by the bell, 1× by the timer" in shown.out
    assert "prompt" not in shown.out
    assert "2026-11-22T21:00:10.000+00:00\t+10.0 s\twebhook succeed: attempt 1 retry\t" in shown.out
    answer = kiln("task", "show", TASK_ID, "--json")
    assert TASK["prompt"] not in answer.out
    history = answer.json["history"]
    assert [each["at"] for each in history] == sorted(each["at"] for each in history)
    said = [(each["what"], each["detail"]) for each in history]
    assert said[0] == ("accepted: status submitted", "by shop, api")
    assert ("webhook succeed: attempt 1 retry", "HTTP 500; again in 5.0 s") in said
    assert ("webhook succeed: attempt 2 given up", "no answer") in said
    assert said[-1] == ("notification succeed: failed", "States.TaskFailed")


def test_a_task_is_looked_up_by_the_name_that_its_executions_have(kiln, operate, histories):
    run_id = f"{TASK_ID}_{BEGAN_MS}"
    operate.will("show", TASK | {"run_id": run_id})
    histories.histories[run_id] = events(("TakeSlot", "", {}))
    histories.states[f"{run_id}-succeed"] = {"status": "RUNNING", "startDate": BEGAN}
    said = [each["what"] for each in kiln("task", "show", TASK_ID, "--json").json["history"]]
    assert "has its slots" in said
    assert "notification succeed: goes on trying" in said


def test_no_such_task(kiln, operate):
    operate.will("show", refusal="Task not found by id/external id: nobody")
    assert kiln("task", "show", "nobody").status == 5


def did(what: str, execution: str = "") -> dict[str, Any]:
    return {"task_id": TASK_ID, "task_status": "submitted", "did": what, "execution": execution}


def test_a_stuck_task_begins_again(kiln, operate):
    operate.will("show", TASK | {"task_status": "submitted"})
    operate.will("restart", did("restarted", TASK_ID))
    assert "begins again" in kiln("task", "retry", TASK_ID).out


def test_a_failed_task_is_made_anew(kiln, operate):
    operate.will("show", TASK | {"task_status": "failed"})
    operate.will("restart", did("none"))
    operate.will("retry", did("created"))
    assert "was created with the same request" in kiln("task", "retry", TASK_ID).out


def test_one_that_succeeded_is_not_paid_for_again(kiln, operate):
    operate.will("show", TASK)
    operate.will("restart", did("none"))
    refused = kiln("task", "retry", TASK_ID)
    assert refused.status == 1
    assert "nothing to retry" in refused.err


def test_a_task_is_ended_for_a_reason(kiln, operate):
    operate.will("fail", did("woken"))
    assert kiln("task", "fail", TASK_ID).status == 2
    assert kiln("task", "fail", TASK_ID, "--reason", "Called off").status == 0
    assert operate.asked == [{"operation": "fail", "task_id": TASK_ID, "reason": "Called off"}]


@pytest.mark.parametrize(
    "message",
    [
        {"S": f"TASK#{TASK_ID}"},
        {"requestPayload": {"detail": {"name": TASK_ID}}},
        {"requestPayload": {"detail": {"name": f"{TASK_ID}-again-3"}}},
        {"requestPayload": {"detail": {"name": f"{TASK_ID}_{BEGAN_MS}-again-3"}}},
    ],
)
def test_what_was_put_aside_names_its_task(message):
    assert task_id_of(json.dumps(message)) == TASK_ID


def test_what_was_put_aside_is_brought_back(kiln, installation, operate):
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


def test_a_workflow_that_cannot_be_started_stays_put_aside(kiln, installation, operate):
    body = json.dumps({"S": f"TASK#{TASK_ID}"})
    installation.client("sqs").send_message(QueueUrl=installation.output("UnstartedTasksUrl"), MessageBody=body)
    operate.will("restart", refusal="Task not found")
    assert "Task not found" in kiln("task", "redrive-dead-letters").err
    assert waiting(installation, "UnstartedTasksUrl") == 1
