"""Erasure: every task of one caller that has ended is deleted, and those that have not are named."""

from __future__ import annotations

import pytest

from kiln import deletion, events
from kiln.erasure import ErasureRequest, erase
from kiln.errors import TaskNotFound
from kiln.s3 import NotDeleted
from kiln.tasks import items
from kiln.tasks.queue import TaskQueue
from kiln.tasks.store import TaskStore
from tests.support.functions import invoke
from tests.support.samples import admit_task, stored_image

ADA = ErasureRequest(erase="ada")


@pytest.fixture(autouse=True)
def _cloud(cloud, monkeypatch) -> None:
    monkeypatch.setattr(events, "publish", lambda *_: None)


def ended(*task_ids: str, caller: str = "ada") -> None:
    for number, task_id in enumerate(task_ids):
        task = admit_task(task_id, caller=caller)
        TaskStore().fail(task, "why") if number % 2 else TaskStore().succeed(task, [stored_image()], "8")


def is_left(task_id: str) -> bool:
    return not TaskStore().get(task_id).deleted_at


def test_every_ended_task_of_the_caller_is_deleted():
    ended(*(f"task-{number}" for number in range(30)))
    ended("other", caller="bob")
    admit_task("waiting")
    admit_task("running")
    TaskStore().begin_dispatch("running")
    done = erase(ADA)
    assert (done.deleted, done.left, done.waiting, done.running) == (30, 0, ["waiting"], ["running"])
    assert not any(is_left(f"task-{number}") for number in range(30))
    assert all(is_left(task_id) for task_id in ("other", "waiting", "running"))
    assert erase(ADA).deleted == 0


def test_dry_run_deletes_nothing():
    ended("task-1", "task-2")
    done = erase(ErasureRequest(erase="ada", dry_run=True))
    assert (done.deleted, done.left) == (0, 2)
    assert is_left("task-1")


def test_erasure_stops_in_time_and_the_next_one_continues():
    ended("task-1", "task-2")
    assert (erase(ADA, seconds=0).deleted, erase(ADA, seconds=0).left) == (0, 2)
    assert (erase(ADA).deleted, erase(ADA).left) == (2, 0)


def test_deletion_that_stopped_halfway_is_completed(monkeypatch):
    ended("task-1")
    ended("other", caller="bob")
    with monkeypatch.context() as patch:
        patch.setattr(deletion.s3, "delete_files", lambda *_, **__: (_ for _ in ()).throw(NotDeleted("S3 is away")))
        for caller, task_id in (("ada", "task-1"), ("bob", "other")):
            with pytest.raises(NotDeleted):
                deletion.delete(caller, task_id)
    assert erase(ErasureRequest(erase="ada", dry_run=True)).left == 1
    assert (erase(ADA).deleted, erase(ADA).left) == (1, 0)
    assert [each.task_id for each in TaskQueue().page(items.DELETING)] == ["other"]
    with pytest.raises(TaskNotFound):
        deletion.delete("ada", "task-1")


def test_function_serves_an_operator():
    ended("task-1")
    assert invoke("delete", {"erase": "ada", "dry_run": False}) == {
        "deleted": 1,
        "left": 0,
        "waiting": [],
        "running": [],
    }
