"""Dispatch for an operator: its status is true, a pause holds every task, a resume wakes waiting tasks."""

from __future__ import annotations

import pytest

from kiln import aws
from kiln.operating import dispatch, pausing
from kiln.slots.gate import Calls, Gate
from kiln.slots.gate_rule import Lesson
from kiln.slots.store import Slots
from kiln.tasks.items import SLOTS_KEY
from kiln.tasks.store import TaskStore
from tests.support.samples import add_task
from tests.support.workflow import park

pytestmark = pytest.mark.usefixtures("cloud")


def hold(*names: str) -> None:
    aws.dynamodb().put_item(TableName="kiln-table", Item={**SLOTS_KEY, "holders": {"SS": list(names)}})


def test_idle_installation_shows_no_tasks():
    status = dispatch.status()
    assert (status.slots, status.held, status.waiting, status.paused_at) == (9, 0, 0, 0)
    assert (status.running, status.next_task_id, status.next_since) == ([], "", 0)


def test_status_lists_running_waiting_and_leaked_slots():
    done = add_task("done")
    TaskStore().fail(done, "x")
    add_task("running")
    TaskStore().begin_dispatch("running")
    first = add_task("first", created_at=1_722_769_000_000)
    add_task("second")
    add_task("handed")
    hold("handed#0", "running#0", "running#1", "done#0", "gone#0", "throttled#99999999999#0", "reserved#0")
    status = dispatch.status()
    assert (status.held, status.throttled, status.reserved) == (5, 1, 1)
    assert status.running == ["done", "gone", "handed", "running"]
    assert status.ended == ["done", "gone"]
    assert (status.waiting, status.next_task_id, status.next_since) == (2, "first", first.created_at)


def test_status_says_since_when_and_why_the_gate_is_closed():
    Gate(Calls.QUERY).learn("running", Lesson.REFUSED, "in arrears (code 1101)")
    status = dispatch.status()
    assert status.closed_since > 0
    assert status.closed_because.endswith("its last answer: in arrears (code 1101)")


def test_pause_stops_dispatch_and_resume_wakes_the_next_task(executions):
    add_task("waiting")
    paused = pausing.pause()
    assert paused.paused_at > 0
    assert Slots().release("someone", 1) == []
    park("waiting", "token")
    resumed = pausing.resume()
    assert (resumed.paused_at, resumed.woken, resumed.held) == (0, 1, 1)
    assert executions.succeeded == ["token"]


def test_resume_releases_leaked_slots(executions):
    hold(*(f"gone#{number}" for number in range(9)))
    add_task("waiting")
    assert pausing.resume().woken > 0
    assert Slots().state().names == {"waiting#0"}
