"""Starting: every stored task gets its workflow, once, with all that the workflow needs and no image."""

from __future__ import annotations

import json

import pytest

from kiln.slots.store import Slots
from kiln.tasks import items
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Origin
from kiln.workflow.start import start, start_stored
from tests.support.samples import add_task, make_task, stored_image
from tests.support.slots import serve
from tests.support.workflow import rendered

pytestmark = pytest.mark.usefixtures("cloud")


def image(**changes):
    """A task's item as the table's stream tells of it."""
    task = make_task(**changes)
    return {**items.task_key(task.task_id), **items.item_of(task), "expires_at": {"N": "1"}}


def test_workflow_has_the_tasks_name_and_slot_count(executions):
    start(image(n=2, turn=7))
    [(name, execution_input)] = executions.started.items()
    assert name == execution_input["task_id"] == "task-1"
    assert execution_input["key"] == "TASK#task-1"
    assert execution_input["slots"] == {
        "names": ["task-1#0", "task-1#1"],
        "first": "task-1#0",
        "room": "7",
        "turn": "7",
    }
    assert execution_input["published"] == {"processing": False}


def test_dispatched_task_does_not_set_the_queue_back(executions, cloud):
    task = add_task()
    serve(cloud, 500)
    TaskStore().begin_dispatch(task.task_id)
    start_stored(task.task_id)
    assert executions.started["task-1"]["slots"]["turn"] == "500"


def test_same_content_starts_again_after_its_task_expired(executions):
    """Step Functions refuses a name for 90 days after its execution has ended: longer than a task may be kept."""
    for run_id in ("task-1_1", "task-1_2", "task-1_2"):
        start(image(run_id=run_id))
    assert list(executions.started) == ["task-1_1", "task-1_2"]
    assert {execution_input["task_id"] for execution_input in executions.started.values()} == {"task-1"}


def test_terminal_task_publishes_its_submission_as_accepted(executions, monkeypatch):
    """As an operator puts it back who restores a part of the table: the function has no business with its images."""
    for name in ("SIGNING_SECRET_ARN", "OUTBOX_BUCKET"):
        monkeypatch.delenv(name)
    start(
        image(task_status="succeed", result=[stored_image(0)], updated_at=1_722_769_599_999, final_unit_deduction="16")
    )
    told = executions.started["task-1"]["submitted"]["detail"]
    assert told["data"]["task_status"] == "submitted"
    assert told["data"]["task_result"] == {"images": []}
    assert "final_unit_deduction" not in told["data"]
    assert told["metadata"]["occurred_at"] == told["data"]["updated_at"] == make_task().created_at


def test_task_larger_than_the_account_needs_all_slots(executions):
    start(image(n=9), slots=Slots(limit=4))
    slots = executions.started["task-1"]["slots"]
    assert (len(slots["names"]), slots["first"], slots["room"]) == (4, "task-1#0", "0")


@pytest.mark.parametrize("channel", ["api", "event", "drop"])
def test_execution_input_has_the_submitted_event(executions, channel):
    start(image(origin=Origin(channel=channel, folder="f"), external_task_id="mine"))
    submitted = executions.started["task-1"]["submitted"]
    assert submitted["detail_type"] == "Image Task Submitted"
    assert submitted["detail"]["metadata"]["channel"] == channel
    assert submitted["detail"]["data"]["task_info"] == {"external_task_id": "mine"}


@pytest.mark.parametrize(("url", "webhook"), [("", False), ("https://caller.test/hook", True)])
def test_execution_input_says_whether_there_is_a_receiver(executions, url, webhook):
    start(image(callback_url=url))
    assert executions.started["task-1"]["webhook"] is webhook


def test_execution_input_has_no_private_or_large_fields(executions):
    start(image(n=9, prompt="private " * 300, callback_url="https://caller.test/?token=1"))
    text = json.dumps(executions.started["task-1"])
    assert len(text) < 4_000
    for private in ("private", "caller.test", "images.test"):
        assert private not in text


def test_repeated_start_starts_once(executions):
    assert start(image()) == start(image())
    assert len(executions) == 1


def test_failed_start_is_a_fault_for_the_stream_to_retry(executions):
    executions.outage = ConnectionError("no answer")
    with pytest.raises(ConnectionError):
        start(image())
    executions.outage = None
    start(image())
    assert len(executions) == 1


def test_execution_input_has_every_field_that_the_workflow_reads(executions):
    start(image())
    execution_input = executions.started["task-1"]
    states = rendered("TaskWorkflow")["States"]
    for path in ("$.task_id", "$.key", "$.webhook", *states["AcquireSlots"]["Parameters"]["ExpressionAttributeValues"]):
        if path.startswith("$."):
            assert path.removeprefix("$.") in execution_input
    for value in states["AcquireSlots"]["Parameters"]["ExpressionAttributeValues"].values():
        [path] = value.values()
        assert path.removeprefix("$.slots.") in execution_input["slots"]
