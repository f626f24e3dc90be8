"""Starting: every stored task gets its workflow, once, with all that the workflow needs and no image."""

from __future__ import annotations

import json
import re

import pytest

from kiln.tasks import items
from kiln.tasks.task import Origin
from kiln.workflow.start import start
from tests.support.samples import make_task, stored_image
from tests.support.workflow import rendered

pytestmark = pytest.mark.usefixtures("cloud")


def image(**changes):
    """A task's item as the table's stream tells of it."""
    task = make_task(**changes)
    return {**items.task_key(task.task_id), **items.item_of(task), "expires_at": {"N": "1"}}


def test_the_workflow_is_named_after_the_task_and_knows_no_limit(executions):
    start(image(n=2, turn=7))
    [(name, execution_input)] = executions.started.items()
    assert name == execution_input["task_id"] == "task-1"
    assert execution_input["key"] == "TASK#task-1"
    assert set(execution_input) == {"task_id", "key", "submitted", "published", "fault"}
    assert execution_input["published"] == {"processing": False}


def test_the_same_content_starts_again_once_its_first_task_is_gone(executions):
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
    event = executions.started["task-1"]["submitted"]["detail"]
    assert event["data"]["task_status"] == "submitted"
    assert event["data"]["task_result"] == {"images": []}
    assert "final_unit_deduction" not in event["data"]
    assert event["metadata"]["occurred_at"] == event["data"]["updated_at"] == make_task().created_at


@pytest.mark.parametrize("channel", ["api", "event", "drop"])
def test_execution_input_has_the_submitted_event(executions, channel):
    start(image(origin=Origin(channel=channel, folder="f"), external_task_id="mine"))
    submitted = executions.started["task-1"]["submitted"]
    assert submitted["detail_type"] == "Image Task Submitted"
    assert submitted["detail"]["metadata"]["channel"] == channel
    assert submitted["detail"]["data"]["task_info"] == {"external_task_id": "mine"}


def test_nothing_private_and_nothing_large_goes_with_it(executions):
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
    made = {state["ResultPath"] for state in states.values() if state.get("ResultPath")}
    for path in set(re.findall(r'"(\$\.\w+)', json.dumps(states))) - made - {"$.Payload"}:
        assert path.removeprefix("$.") in execution_input
