"""The reconciler: it starts tasks without an execution, hands unused slots over, and each run is bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiln import aws, clock, metrics
from kiln.contract import TaskStatus
from kiln.slots.store import Slots
from kiln.tasks import items
from kiln.tasks.admission import LOW_TURNS
from kiln.tasks.estimates import Estimates
from kiln.tasks.queue import TaskQueue
from kiln.tasks.store import TaskStore
from kiln.workflow import reconcile as reconciler
from kiln.workflow.dispatch import dispatch
from kiln.workflow.outcomes import Outcome
from kiln.workflow.reconcile import reconcile
from kiln.workflow.release import release_and_wake
from tests.support.fakes import FakeProvider
from tests.support.lagging import LaggingIndex
from tests.support.samples import add_task, stored_image
from tests.support.workflow import park

TASK_ID = "0123456789abcdef0123456789abcdef"
RUN_ID = f"{TASK_ID}_1"

pytestmark = pytest.mark.usefixtures("cloud", "executions")


def hold(*names: str) -> None:
    aws.dynamodb().put_item(TableName="kiln-table", Item={**items.SLOTS_KEY, "holders": {"SS": list(names)}})


def make_old(task_id: str = TASK_ID) -> None:
    TaskStore()._update(task_id, "SET slots_acquired_at = :long_ago", items.values(long_ago=1))


def run_with(executions: Any, status: str, error: str = "", name: str = RUN_ID) -> None:
    executions.started[name] = {"task_id": TASK_ID}
    if status != "RUNNING":
        executions.ended[name] = (status, error)


def test_idle_installation_is_left_alone(measured):
    done = reconcile()
    assert (done.checked, done.started, done.woken, done.waiting) == (0, [], 0, 0)
    assert measured.of(metrics.TASKS_WAITING) == [0]
    assert measured.of(metrics.OLDEST_WAITING) == []


def test_waiting_task_whose_stream_record_was_lost_is_started(executions):
    add_task(TASK_ID, run_id=RUN_ID)
    assert reconcile().started == [TASK_ID]
    assert list(executions.started) == [RUN_ID]
    assert reconcile().started == []


def test_stage_times_of_tasks_that_ended_since_the_last_run_are_measured():
    add_task(TASK_ID, run_id=RUN_ID, created_at=clock.milliseconds())
    TaskStore().begin_dispatch(TASK_ID)
    reconcile()
    assert Estimates().read().watched == [TASK_ID]
    ended = TaskStore().succeed(TaskStore().begin_collect(TASK_ID), [stored_image()], "1")
    assert ended
    reconcile()
    kept = Estimates().read()
    [[held, from_turn]] = kept.samples
    assert (kept.watched, from_turn) == ([], ended.updated_at - ended.slots_acquired_at)
    assert 0 <= held <= from_turn


def test_running_task_is_left_alone(executions):
    add_task(TASK_ID, run_id=RUN_ID)
    run_with(executions, "RUNNING")
    assert reconcile().started == []


def test_young_task_is_left_alone(executions):
    add_task(TASK_ID, run_id=RUN_ID, created_at=clock.milliseconds())
    assert reconcile().started == []


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "SUCCEEDED"])
@pytest.mark.parametrize("is_dispatched", [False, True])
def test_task_whose_workflow_ended_without_it_begins_again(executions, status, is_dispatched):
    """EventBridge delivers the end of an execution as best it can; its rescue may never have run."""
    add_task(TASK_ID, run_id=RUN_ID)
    if is_dispatched:
        TaskStore().begin_dispatch(TASK_ID)
        make_old()
    run_with(executions, status)
    assert reconcile().started == [TASK_ID]
    assert executions.started[f"{RUN_ID}-again-1"] == {"task_id": TASK_ID}
    assert not TaskStore().get(TASK_ID).task_status.is_terminal


def test_task_whose_workflow_was_stopped_fails_and_is_concluded(executions):
    add_task(TASK_ID, run_id=RUN_ID)
    run_with(executions, "ABORTED")
    assert reconcile().started == [TASK_ID]
    assert TaskStore().get(TASK_ID).task_status is TaskStatus.FAILED
    assert f"{RUN_ID}-again-1" in executions.started


def test_slots_of_ended_and_missing_tasks_go_to_the_queue(executions):
    TaskStore().fail(add_task("ended"), "why")
    hold("ended#0", "gone#0")
    for name in ("a", "b"):
        add_task(name, created_at=clock.milliseconds())
        park(name, f"token-{name}")
    assert reconcile().woken >= 2
    assert Slots().state().names == {"a#0", "b#0"}
    assert set(executions.succeeded) == {"token-a", "token-b"}


def test_raised_limit_reaches_the_tasks_that_wait(executions, monkeypatch):
    monkeypatch.setenv("PROVIDER_SLOTS", "3")
    hold("running#0")
    add_task("running", created_at=clock.milliseconds())
    TaskStore().begin_dispatch("running")
    for name in ("a", "b", "c"):
        add_task(name, created_at=clock.milliseconds())
    assert reconcile().woken == 2
    assert Slots().state().names == {"running#0", "a#0", "b#0"}


def test_lost_wake_up_is_repeated(executions):
    add_task("a", created_at=clock.milliseconds())
    hold("a#0")
    park("a", "token")
    assert reconcile().woken == 1
    assert executions.succeeded == ["token"]


def test_newcomer_that_a_lagging_index_hid_is_handed_its_slots(executions, cloud):
    """Release finds no task in the index, and the newcomer finds no slot: only the reconciler sees both."""
    add_task("leaver", created_at=clock.milliseconds())
    hold("leaver#0")
    lagging = LaggingIndex(cloud.dynamodb, "kiln-table", items.BY_TURN, items.WAITING)
    TaskStore().begin_dispatch("leaver")
    add_task("newcomer", created_at=clock.milliseconds())
    slots = Slots(client=lagging, limit=1)  # type: ignore[arg-type]
    assert dispatch("newcomer", provider=FakeProvider(), slots=slots).outcome is Outcome.QUEUED
    park("newcomer", "token")
    lagging._then.clear()
    assert release_and_wake("leaver", 1, slots=slots) == 0
    assert executions.succeeded == []
    assert slots.state().names == set()
    lagging.catch_up()
    assert reconcile(slots=slots).woken == 1
    assert executions.succeeded == ["token"]


def test_task_that_a_lagging_index_still_lists_is_not_started(executions, cloud, monkeypatch):
    task = add_task(TASK_ID, run_id=RUN_ID)
    lagging = LaggingIndex(cloud.dynamodb, "kiln-table", items.BY_TURN, items.WAITING)
    TaskStore().fail(task, "why")
    monkeypatch.setattr(aws, "dynamodb", lambda: lagging)
    assert reconcile(tasks=TaskStore(client=cloud.dynamodb)).started == []


def test_run_is_bounded_and_the_next_one_continues(executions, monkeypatch):
    monkeypatch.setattr(reconciler, "CHECKED_AT_ONCE", 2)
    ids = [f"{number:032x}" for number in range(5)]
    for task_id in ids:
        add_task(task_id, run_id=f"{task_id}_1")
    runs = [reconcile().started for _ in range(4)]
    assert runs == [ids[:2], ids[2:4], ids[4:], []]


def test_low_task_that_waited_for_its_hours_gets_the_next_turn(executions):
    now = clock.milliseconds()
    hold(*(f"other#{number}" for number in range(9)))
    add_task("other", created_at=now)
    add_task("old", created_at=now - 25 * 3_600_000, turn=LOW_TURNS + 5, priority="low")
    add_task("new", created_at=now - 23 * 3_600_000, turn=LOW_TURNS + 4, priority="low")
    reconcile(step_functions=executions)
    assert TaskStore().get("old").turn == 0
    assert TaskStore().get("new").turn == LOW_TURNS + 4
    assert TaskQueue().waiting()[0] == "old"


def test_low_task_that_acquired_slots_meanwhile_is_not_queued_again(cloud):
    add_task("low", turn=LOW_TURNS + 5, priority="low")
    begun = TaskStore().begin_dispatch("low")
    TaskStore().promote("low", LOW_TURNS + 5, 1)
    assert TaskStore().get("low").turn == begun.turn


def test_queue_is_measured(measured):
    now = clock.milliseconds()
    add_task("a", created_at=now - 30_000)
    add_task("b", created_at=now - 90_000)
    Slots().pause()
    assert reconcile().waiting == 2
    assert measured.of(metrics.TASKS_WAITING) == [2]
    (oldest,) = measured.of(metrics.OLDEST_WAITING)
    assert 90 <= oldest < 100


def test_input_of_a_restart_is_the_first_ones(executions):
    add_task(TASK_ID, run_id=RUN_ID)
    reconcile()
    first = executions.started[RUN_ID]
    executions.ended[RUN_ID] = ("FAILED", "")
    reconcile()
    assert executions.started[f"{RUN_ID}-again-1"] == json.loads(json.dumps(first))
