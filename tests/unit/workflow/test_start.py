"""Starting: every stored task gets its workflow, once, with all that the workflow needs and no image."""

from __future__ import annotations

import json

import pytest

from kiln.slots import Slots
from kiln.tasks import items
from kiln.tasks.task import Origin
from kiln.workflow.start import start
from tests.unit.specimens import make_task
from tests.unit.workflow.test_state_machine import rendered

pytestmark = pytest.mark.usefixtures("cloud")


def image(**changes):
    """A task's item as the table's stream tells of it."""
    task = make_task(**changes)
    return {**items.task_key(task.task_id), **items.item_of(task), "expires_at": {"N": "1"}}


def test_the_workflow_is_named_after_the_task_and_knows_its_slots(executions):
    start(image(n=2, turn=7))
    [(name, course)] = executions.started.items()
    assert name == course["task_id"] == "task-1"
    assert course["key"] == "TASK#task-1"
    assert course["slots"] == {"names": ["task-1#0", "task-1#1"], "first": "task-1#0", "room": "7", "turn": "7"}
    assert course["announced"] == {"processing": False}


def test_a_task_larger_than_the_account_takes_all_of_it(executions):
    start(image(n=9), slots=Slots(limit=4))
    slots = executions.started["task-1"]["slots"]
    assert (len(slots["names"]), slots["first"], slots["room"]) == (4, "task-1#0", "0")


@pytest.mark.parametrize("door", ["api", "bus", "drop"])
def test_the_event_of_its_acceptance_goes_with_it(executions, door):
    start(image(origin=Origin(door=door, folder="f"), external_task_id="mine"))
    submitted = executions.started["task-1"]["submitted"]
    assert submitted["detail_type"] == "Image Task Submitted"
    assert submitted["detail"]["metadata"]["door"] == door
    assert submitted["detail"]["data"]["task_info"] == {"external_task_id": "mine"}


@pytest.mark.parametrize(("url", "webhook"), [("", False), ("https://caller.test/hook", True)])
def test_it_knows_whether_somebody_is_to_be_called(executions, url, webhook):
    start(image(callback_url=url))
    assert executions.started["task-1"]["webhook"] is webhook


def test_nothing_private_and_nothing_large_goes_with_it(executions):
    start(image(n=9, prompt="private " * 300, callback_url="https://caller.test/?token=1"))
    text = json.dumps(executions.started["task-1"])
    assert len(text) < 4_000
    for private in ("private", "caller.test", "images.test"):
        assert private not in text


def test_telling_twice_starts_once(executions):
    assert start(image()) == start(image())
    assert len(executions) == 1


def test_a_start_that_fails_is_a_fault_so_that_the_stream_tells_again(executions):
    executions.outage = ConnectionError("no answer")
    with pytest.raises(ConnectionError):
        start(image())
    executions.outage = None
    start(image())
    assert len(executions) == 1


def test_the_workflow_is_given_all_that_it_reads_at_its_start(executions):
    start(image())
    course = executions.started["task-1"]
    states = rendered("TaskWorkflow")["States"]
    for path in ("$.task_id", "$.key", "$.webhook", *states["TakeSlot"]["Parameters"]["ExpressionAttributeValues"]):
        if path.startswith("$."):
            assert path.removeprefix("$.") in course
    for value in states["TakeSlot"]["Parameters"]["ExpressionAttributeValues"].values():
        [path] = value.values()
        assert path.removeprefix("$.slots.") in course["slots"]
