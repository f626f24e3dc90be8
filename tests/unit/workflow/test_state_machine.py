"""The state machines as they are deployed: valid, whole, patient, and with no way out that leaves a slot behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from kiln.webhooks.delivery import DeliveryOutcome
from kiln.workflow.outcomes import Outcome
from tests.support.account import template
from tests.support.workflow import MACHINES, PLACEHOLDER, definition_text, rendered

WAYS_OUT = {"ReleaseSlots"}


def nexts(state: dict[str, Any]) -> Iterator[str]:
    if "Next" in state:
        yield state["Next"]
    if "Default" in state:
        yield state["Default"]
    for branch in [*state.get("Choices", []), *state.get("Catch", [])]:
        yield branch["Next"]


def reachable(states: dict[str, Any], start: str, *, without: frozenset[str] = frozenset()) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in found and name not in without:
            found.add(name)
            ahead += nexts(states[name])
    return found


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
            assert earlier["MaxAttempts"] == 0, name  # What is answered by a Catch, and not by trying again.


def test_fault_of_a_day_ends_no_task():
    """A bad release, or an AWS that is away, is mended by a person: until then tasks wait (docs/reliability.md)."""
    for name, state in rendered("TaskWorkflow")["States"].items():
        if any(rule["Next"] == "ReleaseSlots" for rule in state.get("Catch", [])):
            rule = state["Retry"][-1]
            waits = [rule["IntervalSeconds"] * rule["BackoffRate"] ** times for times in range(rule["MaxAttempts"])]
            assert sum(min(wait, rule["MaxDelaySeconds"]) for wait in waits) >= 86_400, name
            # What is mended goes on soon.
            assert rule["MaxDelaySeconds"] <= 300, name


def test_missing_images_hand_slots_over_once_and_success_never():
    states = rendered("TaskWorkflow")["States"]
    again, first = states["AreImagesStored?"]["Choices"]
    assert again["And"] == [
        {"Variable": "$.collect.outcome", "StringEquals": Outcome.AGAIN},
        {"Variable": states["HandOverSlots"]["ResultPath"], "IsPresent": True},
    ]
    assert (again["Next"], first["Next"]) == ("WaitToCollect", "HandOverSlots")
    # Where it did not work it is tried again with the next try to collect, and nothing is lost by it.
    assert set(nexts(states["HandOverSlots"])) == {"WaitToCollect"}
    assert [rule["ResultPath"] for rule in states["HandOverSlots"]["Catch"]] == [None]


def test_dispatched_task_without_slots_does_not_wait():
    """Its slots went to others while its images were collected, and it stands in no line."""
    taken, waiting = rendered("TaskWorkflow")["States"]["IsDispatched?"]["Choices"]
    assert (taken["Not"]["Variable"], taken["Not"]["StringEquals"], taken["Next"]) == (
        "$.woken.dispatched_or_zero",
        "0",
        "Poll",
    )
    assert (waiting["StringEquals"], waiting["Next"]) == ("submitted", "AcquireSlots")


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


def test_every_path_to_the_end_releases_the_slots():
    definition = rendered("TaskWorkflow")
    states = definition["States"]
    assert "Done" not in reachable(states, definition["StartAt"], without=frozenset(WAYS_OUT))
    assert {name for name, state in states.items() if state["Type"] in ("Succeed", "Fail")} == {"Done"}
    for way in WAYS_OUT:
        assert states[way]["Next"] == "PublishEnd"
        assert reachable(states, way).isdisjoint({"AcquireSlots", "Dispatch", "Poll", "Collect"})


def test_every_step_before_the_end_catches_faults():
    definition = rendered("TaskWorkflow")
    states = definition["States"]
    for name in reachable(states, definition["StartAt"], without=frozenset(WAYS_OUT)):
        if states[name]["Type"] == "Task":
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
    assert parked == ["AwaitTurn", "AwaitCallback"]
    for name in parked:
        assert states[name]["Resource"] == "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken"
        assert states[name]["TimeoutSeconds"] == 30
        assert "attribute_not_exists(wake_requested_at)" in states[name]["Parameters"]["ConditionExpression"]


def test_every_outcome_a_step_can_have_is_routed():
    states = rendered("TaskWorkflow")["States"]

    def routed(choice: str) -> dict[str, str]:
        return {each["StringEquals"]: each["Next"] for each in states[choice]["Choices"] if "StringEquals" in each}

    assert routed("WasDispatched?") == {
        Outcome.DISPATCHED: "AwaitCallback",
        Outcome.ADOPTED: "Poll",
        Outcome.AGAIN: "WaitToDispatch",
    }
    assert routed("IsGenerated?") == {
        Outcome.RUNNING: "AwaitCallback",
        Outcome.PROCESSING: "PublishProcessing",
        Outcome.GENERATED: "Collect",
    }
    assert routed("AreImagesStored?") == {Outcome.AGAIN: "HandOverSlots"}
    assert {states[choice]["Default"] for choice in ("WasDispatched?", "IsGenerated?", "AreImagesStored?")} == {
        "ReleaseSlots"
    }
    [retry] = rendered("NotificationWorkflow")["States"]["IsDelivered?"]["Choices"]
    assert retry["StringEquals"] == DeliveryOutcome.RETRY


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
    started_with = {"task_id", "key", "slots", "submitted", "announced", "webhook"}
    # ResultSelectors read the answers of services, which are none of the workflow's own.
    answers = {"Payload", "Attributes"}
    assert read <= started_with | made | caught | answers
