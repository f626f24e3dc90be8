"""The budget of a caller: no new task once the tasks that ended in the month have cost it, whatever the channel."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from kiln.auth.callers import Caller
from kiln.errors import BudgetUsedUp
from kiln.intake.batch import create_batch
from kiln.intake.bus_request import task_requested
from kiln.intake.create import create
from kiln.operating.task import retry as operator_retry
from kiln.retry import retry
from kiln.tasks.store import TaskStore
from tests.support.account import put_secret
from tests.support.images import picture
from tests.support.samples import add_task, create_body, stored_image

BODY = json.dumps(create_body())
ADA = Caller(name="ada", units_per_month=100)


@pytest.fixture(autouse=True)
def now(cloud, monkeypatch):
    """The callers ``ada``, ``inbox`` and ``shop`` have a budget of 100 units; the month is December."""
    put_secret(
        "kiln-callers", {"callers": [{"name": name, "units_per_month": 100} for name in ("ada", "inbox", "shop")]}
    )

    def at(day: str) -> None:
        moment = int(dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp() * 1_000)
        monkeypatch.setattr("kiln.clock.milliseconds", lambda: moment)

    at("2026-12-31T23:59:59")
    return at


def used(units: str, caller: str = "ada") -> None:
    TaskStore().succeed(add_task(f"{caller}-{units}", caller=caller), [stored_image()], units)


def test_create_is_refused_once_the_budget_is_used(accepted):
    used("84")
    used("15.5")
    assert create(BODY, ADA).task.task_status == "submitted"
    used("0.5")
    with pytest.raises(BudgetUsedUp) as refused:
        create(BODY, ADA)
    assert (refused.value.http_status, refused.value.code) == (429, 1102)
    assert refused.value.message == (
        "the budget is used up: 100 of 100 units this month; the next month begins at 2027-01-01T00:00:00Z"
    )


def test_next_month_has_a_budget_of_its_own(now):
    used("100")
    now("2027-01-01T00:00:00")
    assert create(BODY, ADA).task.task_status == "submitted"


def test_caller_without_a_budget_is_not_refused():
    used("1000", caller="bob")
    assert create(BODY, Caller(name="bob")).task.caller == "bob"


def test_repeated_key_is_answered_after_the_budget_is_used():
    first = create(BODY, ADA, idempotency_key="7").task
    used("100")
    assert create(BODY, ADA, idempotency_key="7").task == first


def test_retry_is_refused_once_the_budget_is_used():
    used("100")
    with pytest.raises(BudgetUsedUp):
        retry(ADA, "ada-100")


def test_retry_by_an_operator_is_not_refused():
    TaskStore().fail(add_task(), "why")
    used("100")
    assert operator_retry("task-1").did == "created"


def test_batch_is_refused_whole_once_the_budget_is_used(accepted):
    used("100")
    before = len(accepted)
    with pytest.raises(BudgetUsedUp):
        create_batch(json.dumps({"jobs": [create_body(), create_body()]}), ADA)
    assert len(accepted) == before


def test_drop_of_a_caller_with_a_budget_is_refused_in_its_result_file(inbox, accepted):
    used("100", caller="inbox")
    before = len(accepted)
    inbox.drop("f/cat.png", picture())
    inbox.drop("f/job.json", json.dumps({"subject_image_list": [{"subject_image": "cat.png"}]}).encode())
    assert (inbox.result("f")["code"], len(accepted)) == (1102, before)


def test_drop_is_not_refused_for_a_malformed_secret(inbox):
    put_secret("kiln-callers", {"callers": "none"})
    inbox.drop("f/cat.png", picture())
    with pytest.raises(RuntimeError):
        inbox.drop("f/job.json", json.dumps({"subject_image_list": [{"subject_image": "cat.png"}]}).encode())
    assert inbox.result("f") is None


def test_request_of_the_bus_is_refused_once_the_budget_is_used(monkeypatch):
    used("100", caller="shop")
    refused: list[Any] = []
    monkeypatch.setattr("kiln.refusal_events.publish_refusal", lambda *given: refused.append(given[2].code))
    assert task_requested({"id": "1", "source": "shop", "detail": {"data": create_body()}}) is None
    assert refused == [1102]


def test_new_task_of_a_caller_near_its_budget_is_measured(measured):
    used("79")
    create(BODY, ADA)
    used("1")
    create(BODY, ADA)
    assert [each for each in measured if each[0] == "BudgetNearlyUsed"] == [("BudgetNearlyUsed", 1, "")]


def test_task_remembers_the_budget_of_its_caller(cloud):
    single = create(BODY, ADA).task
    batch = create_batch(json.dumps({"jobs": [create_body()]}), ADA).batch
    retried = retry(ADA, ended_task(single.task_id))
    ids = [single.task_id, *batch.tasks.values(), retried.task_id]
    assert [TaskStore().get(task_id).units_per_month for task_id in ids] == [100, 100, 100]


def ended_task(task_id: str) -> str:
    TaskStore().fail(TaskStore().get(task_id), "why")
    return task_id
