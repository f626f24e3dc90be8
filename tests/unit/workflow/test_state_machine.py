"""The state machines as they are deployed: valid, whole, patient, and with no way out that leaves a slot behind."""

from __future__ import annotations

import json
import re

import pytest

from kiln.webhooks.delivery import DeliveryOutcome
from kiln.workflow.outcomes import Outcome
from tests.support.account import template
from tests.support.workflow import MACHINES, PLACEHOLDER, definition_text, nexts, reachable, rendered

WAYS_OUT = {"ReleaseSlots"}


@pytest.mark.parametrize("machine", MACHINES)
def test_placeholders_and_the_templates_substitutions_are_equal(machine):
    filled = template()["Resources"][machine]["Properties"]["DefinitionSubstitutions"]
    assert set(PLACEHOLDER.findall(definition_text(machine))) == set(filled)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_exists_and_is_reachable(machine):
    definition = rendered(machine)
    states = definition["States"]
    assert {name for state in states.values() for name in nexts(state)} <= set(states)
    assert reachable(states, definition["StartAt"]) == set(states)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_has_a_successor_or_ends(machine):
    for name, state in rendered(machine)["States"].items():
        ways = list(nexts(state))
        assert bool(ways) is (state["Type"] not in ("Succeed", "Fail")), name
        assert "End" not in state
        if state["Type"] == "Choice":
            assert "Default" in state, name


@pytest.mark.parametrize("machine", MACHINES)
def test_every_task_state_retries_for_long_enough(machine):
    for name, state in rendered(machine)["States"].items():
        if state["Type"] != "Task":
            continue
        last = state["Retry"][-1]
        assert last["ErrorEquals"] == ["States.ALL"], name
        assert last["MaxAttempts"] >= 5, name
        assert last["BackoffRate"] >= 2, name
        for earlier in state["Retry"][:-1]:
            assert earlier["MaxAttempts"] == 0, name  # A Catch answers it, not a retry.


def test_fault_of_a_day_ends_no_task():
    """A bad release, or an AWS that is away, is mended by a person: until then tasks wait (docs/reliability.md)."""
    for name, state in rendered("TaskWorkflow")["States"].items():
        if any(rule["Next"] == "ReleaseSlots" for rule in state.get("Catch", [])):
            rule = state["Retry"][-1]
            waits = [rule["IntervalSeconds"] * rule["BackoffRate"] ** times for times in range(rule["MaxAttempts"])]
            assert sum(min(wait, rule["MaxDelaySeconds"]) for wait in waits) >= 86_400, name
            # After a repair, tasks continue soon.
            assert rule["MaxDelaySeconds"] <= 300, name


@pytest.mark.parametrize("machine", MACHINES)
def test_both_spellings_of_dynamodbs_errors_are_caught(machine):
    for state in rendered(machine)["States"].values():
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
            spelled = {error for error in rule["ErrorEquals"] if "ConditionalCheckFailed" in error}
            assert len(spelled) in (0, 2)


@pytest.mark.parametrize("machine", MACHINES)
def test_only_features_of_the_local_aws_are_used(machine):
    # MaxDelaySeconds it passes over: it waits for a minute at most.
    for absent in ("TimeoutSecondsPath", "HeartbeatSeconds", "QueryLanguage"):
        assert absent not in definition_text(machine)


def test_every_step_before_the_way_out_has_somewhere_to_go_when_it_breaks():
    definition = rendered("TaskWorkflow")
    states = definition["States"]
    for name in reachable(states, definition["StartAt"], without=frozenset(WAYS_OUT)):
        if states[name]["Type"] == "Task" and name != "NotifyEnd":
            assert states[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name


def test_failing_bus_or_receiver_does_not_stop_a_task():
    states = rendered("TaskWorkflow")["States"]
    for name, state in states.items():
        if state.get("Resource", "").endswith(("events:putEvents", "states:startExecution")):
            for way in nexts(state):
                assert way not in WAYS_OUT, name


def test_parked_state_waits_for_a_token_with_a_timeout():
    states = rendered("TaskWorkflow")["States"]
    parked = [name for name, state in states.items() if state.get("Resource", "").endswith(".waitForTaskToken")]
    assert parked == ["AwaitTurn", "AwaitCallback", "AwaitCallbackLonger"]
    for name in parked:
        assert states[name]["Resource"] == "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken"
        assert (
            states[name]["TimeoutSeconds"]
            == {
                "AwaitTurn": 86_400,
                "AwaitCallback": 30,
                "AwaitCallbackLonger": 600,
            }[name]
        )
        assert "attribute_not_exists(wake_requested_at)" in states[name]["Parameters"]["ConditionExpression"]


@pytest.mark.parametrize("machine", MACHINES)
def test_every_invoked_function_is_allowed(machine):
    properties = template()["Resources"][machine]["Properties"]
    invoked = {name for name in PLACEHOLDER.findall(definition_text(machine)) if name.endswith("Function")}
    allowed = json.dumps(properties["Policies"])
    for name in invoked:
        assert name in allowed


def test_workflow_reads_only_its_input_and_its_own_variables():
    definition = rendered("TaskWorkflow")
    read = set(re.findall(r'"\$\.(\w+)', json.dumps(definition["States"])))
    made = {
        state["ResultPath"].removeprefix("$.") for state in definition["States"].values() if state.get("ResultPath")
    }
    caught = {
        rule["ResultPath"].removeprefix("$.")
        for state in definition["States"].values()
        for rule in state.get("Catch", [])
        if rule["ResultPath"]
    }
    started_with = {"task_id", "key", "submitted", "published", "fault"}
    # ResultSelectors read the answers of services, which are none of the workflow's own.
    answers = {"Payload", "Attributes"}
    assert read <= started_with | made | caught | answers


def test_only_ended_or_missing_tasks_leave():
    """A step that ends a task has released its slots; ReleaseSlots does so for a task whose step broke."""
    states = rendered("TaskWorkflow")["States"]
    assert {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")} == {"Done"}
    assert {name for name, state in states.items() if "PublishEnd" in nexts(state)} == {
        *(name for name, state in states.items() if state["Type"] == "Choice"),
    }
    for choice in (state for state in states.values() if state["Type"] == "Choice"):
        assert choice["Default"] == "PublishEnd"
        [gone] = [each for each in choice["Choices"] if each["Next"] == "Done"]
        assert gone["StringEquals"] == Outcome.GONE
    assert reachable(states, "PublishEnd") == {"PublishEnd", "NotifyEnd", "Done"}


def test_every_outcome_a_step_can_have_is_routed():
    states = rendered("TaskWorkflow")["States"]

    def routed(choice: str) -> dict[str, str]:
        return {each["StringEquals"]: each["Next"] for each in states[choice]["Choices"]}

    assert routed("IsDispatched?") == {
        Outcome.DISPATCHED: "AwaitCallback",
        Outcome.QUEUED: "AwaitTurn",
        Outcome.PARKED: "AwaitTurn",
        Outcome.ADOPTED: "Poll",
        Outcome.AGAIN: "WaitToDispatch",
        Outcome.GONE: "Done",
    }
    assert routed("IsGenerated?") == {
        Outcome.RUNNING: "AwaitCallback",
        Outcome.AGAIN: "WaitToPoll",
        Outcome.RUNNING_LONG: "AwaitCallbackLonger",
        Outcome.PROCESSING: "PublishProcessing",
        Outcome.GENERATED: "Collect",
        Outcome.GONE: "Done",
    }
    assert routed("AreImagesStored?") == {Outcome.AGAIN: "WaitToCollect", Outcome.GONE: "Done"}
    assert routed("IsTaskStored?") == {Outcome.GONE: "Done"}
    retry, first = rendered("NotificationWorkflow")["States"]["IsDelivered?"]["Choices"]
    assert (retry["StringEquals"], retry["Next"]) == (DeliveryOutcome.RETRY, "WaitToNotify")
    assert (first["StringEquals"], first["Next"]) == ("first", "Notify")


def test_bus_that_takes_nothing_leaves_the_notification_to_the_workflow():
    states = rendered("TaskWorkflow")["States"]
    for publish, notify in (
        ("PublishSubmitted", "NotifySubmitted"),
        ("PublishProcessing", "NotifyProcessing"),
        ("PublishEnd", "NotifyEnd"),
    ):
        assert [rule["Next"] for rule in states[publish]["Catch"]] == [notify]
        assert states[notify]["Next"] == states[publish]["Next"]
        assert states[notify]["Parameters"]["Input"]["notify"] == {"attempt": 0, "outcome": "first", "wait": 0}


def test_graph_is_small():
    assert len(rendered("TaskWorkflow")["States"]) <= 22


def test_no_state_reads_a_whole_item():
    """A prompt and a callback_url would lie in the history of the execution."""
    for state in rendered("TaskWorkflow")["States"].values():
        assert "ReturnValues" not in state.get("Parameters", {})
