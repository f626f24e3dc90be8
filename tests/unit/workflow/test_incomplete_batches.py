"""A batch whose request stopped half-way: the reconciler refuses the missing jobs, unless the request comes again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiln.auth.callers import Caller
from kiln.intake import batch as intake
from kiln.intake.batch import create_batch
from kiln.tasks.batches import Batch, Batches, job_task_id
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from kiln.workflow import batch as batches
from kiln.workflow.batch import PATIENCE_SECONDS, end_incomplete
from kiln.workflow.reconcile import reconcile
from tests.support.clock import StoppedClock
from tests.support.samples import create_body

ADA = Caller(name="ada", tasks_per_minute=100)
SENT = json.dumps({"jobs": [create_body(prompt=f"Cat {number}") for number in range(3)], "external_batch_id": "mine"})

pytestmark = pytest.mark.usefixtures("cloud", "executions")


def stop_before(job: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sends a batch of three jobs and stops it before this job and those behind it."""
    accept = intake.accept

    def stops(request: Any, caller: str, **options: Any) -> Task:
        if options["origin"].part >= job:
            raise ConnectionError
        return accept(request, caller, **options)

    with monkeypatch.context() as patch:
        patch.setattr(intake, "accept", stops)
        with pytest.raises(ConnectionError):
            create_batch(SENT, ADA)


def found() -> Batch:
    return Batches().find("ada", "mine")


def fail_all(*jobs: int) -> None:
    for job in jobs:
        TaskStore().fail(TaskStore().get(job_task_id(found().batch_id, job)), "why")
        Batches().end_job(found().batch_id, job)


def test_batch_that_stopped_half_way_finishes_with_the_tasks_it_has(monkeypatch, stopped_clock: StoppedClock):
    stop_before(2, monkeypatch)
    stopped_clock.advance(PATIENCE_SECONDS + 1)
    assert reconcile().batches == [found().batch_id]
    assert [(job.job, job.code) for job in found().refused] == [(2, 5000), (3, 5000)]
    assert "send the job again" in found().refused[0].message
    assert not found().finished_at
    fail_all(1)
    assert found().finished_at
    assert reconcile().batches == []


def test_batch_that_stopped_before_its_first_job_finishes_at_once(monkeypatch, stopped_clock: StoppedClock):
    stop_before(1, monkeypatch)
    assert end_incomplete() == []
    stopped_clock.advance(PATIENCE_SECONDS + 1)
    assert end_incomplete() == [found().batch_id]
    assert found().finished_at
    assert end_incomplete() == []


def test_run_that_stops_half_way_is_completed_by_the_next(monkeypatch, stopped_clock: StoppedClock):
    stop_before(1, monkeypatch)
    stopped_clock.advance(PATIENCE_SECONDS + 1)

    def stops(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(Batches, "finish", stops)
        with pytest.raises(ConnectionError):
            end_incomplete()
    assert len(found().refused) == 3
    assert not found().finished_at
    assert end_incomplete() == []
    assert found().finished_at


def test_complete_batch_is_left_alone(stopped_clock: StoppedClock):
    create_batch(SENT, ADA)
    stopped_clock.advance(PATIENCE_SECONDS + 1)
    assert end_incomplete() == []
    assert Batches().incomplete(10**15, most=1) == []
    assert not found().refused


def test_repeated_request_completes_its_batch(monkeypatch, stopped_clock: StoppedClock):
    stop_before(2, monkeypatch)
    create_batch(SENT, ADA)
    stopped_clock.advance(PATIENCE_SECONDS + 1)
    assert end_incomplete() == []
    assert len(TaskStore().get_all(list(found().tasks.values()))) == 3


def test_request_that_comes_again_during_the_run_keeps_its_jobs(monkeypatch, stopped_clock: StoppedClock):
    stop_before(2, monkeypatch)
    stopped_clock.advance(PATIENCE_SECONDS + 1)

    class Meanwhile(TaskStore):
        def get_all(self, task_ids: list[str]) -> list[Task]:
            read = super().get_all(task_ids)
            create_batch(SENT, ADA)
            return read

    monkeypatch.setattr(batches, "TaskStore", Meanwhile)
    assert end_incomplete() == []
    assert not found().refused
    assert len(TaskStore().get_all(list(found().tasks.values()))) == 3


def test_request_that_comes_after_the_end_is_answered_with_the_refused_jobs(monkeypatch, stopped_clock: StoppedClock):
    stop_before(2, monkeypatch)
    stopped_clock.advance(PATIENCE_SECONDS + 1)
    end_incomplete()
    answered = create_batch(SENT, ADA).batch
    assert [job.job for job in answered.refused] == [2, 3]
    assert list(answered.tasks) == [1]


def test_batch_whose_jobs_were_all_accepted_before_the_stop_is_left_whole(monkeypatch, stopped_clock: StoppedClock):
    with monkeypatch.context() as patch:
        patch.setattr(Batches, "completed", lambda *_: None)
        create_batch(SENT, ADA)
    stopped_clock.advance(PATIENCE_SECONDS + 1)
    assert end_incomplete() == []
    assert not found().refused
