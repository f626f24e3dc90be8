"""Waiting for a task: how long, for which change, and how often a caller may."""

from __future__ import annotations

import pytest

from kiln.auth.callers import Caller
from kiln.contract import TaskStatus
from kiln.errors import TooManyWaits
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.tasks.waiting import seconds_to_wait, wait_for_change, wait_for_end
from tests.support.samples import add_task

ADA = Caller(name="ada", tasks_per_minute=2)

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("wait=10", 10),
        ("Wait=10", 10),
        ("respond-async, wait=5", 5),
        ("respond-async;wait=5", 5),
        ("wait=0", 0),
        ("wait=25", 25),
        ("wait=26", 25),
        ("wait=99999999999999999999", 25),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("await=5", 0),
        ("wait=\u00b2", 0),
    ],
)
def test_a_wait_is_honoured_up_to_25_seconds(prefer, seconds):
    assert seconds_to_wait(prefer) == seconds


def test_waiting_ends_with_the_task():
    task = add_task()
    pauses = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            TaskStore().fail(task, "why")

    assert wait_for_end(task, 20, sleep=sleep).task_status is TaskStatus.FAILED
    assert pauses == [0.5, 0.5, 0.5]


def test_slow_looks_end_within_the_time(monkeypatch):
    now = [0.0]
    read = TaskStore.get

    def slow_read(store: TaskStore, task_id: str) -> Task:
        now[0] += 3
        return read(store, task_id)

    def sleep(seconds: float) -> None:
        now[0] += seconds

    task = add_task()
    monkeypatch.setattr(TaskStore, "get", slow_read)
    monkeypatch.setattr("kiln.tasks.waiting.time.monotonic", lambda: now[0])
    wait_for_end(task, 25, sleep=sleep)
    assert 20 < now[0] <= 25


def test_waiting_ends_with_the_time():
    assert wait_for_end(add_task(), 0, sleep=lambda _: None).task_status is TaskStatus.SUBMITTED


def test_a_wait_for_a_change_ends_with_the_next_status():
    task = add_task()

    def sleep(_: float) -> None:
        TaskStore().process(task)

    assert wait_for_change(ADA, task, 20, sleep=sleep).task_status is TaskStatus.PROCESSING


def test_an_ended_task_is_not_waited_for_and_not_counted(accepted):
    task = add_task()
    ended = TaskStore().fail(task, "why")
    assert ended
    for _ in range(3):
        assert wait_for_change(ADA, ended, 20, sleep=lambda _: pytest.fail("it waits")) == ended


def test_a_caller_waits_as_often_a_minute_as_it_may_create_tasks(one_minute):
    task = add_task()
    for _ in range(2):
        wait_for_change(ADA, task, 0)
    with pytest.raises(TooManyWaits, match="at most 2 queries may wait a minute"):
        wait_for_change(ADA, task, 0)
