"""The delete function: DELETE over API Gateway."""

from __future__ import annotations

import pytest

from kiln import events
from kiln.tasks.store import TaskStore
from tests.support.functions import TASK_ID, call, sample
from tests.support.samples import add_task, stored_image


@pytest.fixture(autouse=True)
def _bus(monkeypatch) -> None:
    monkeypatch.setattr(events, "publish", lambda *_: None)


def test_delete_answers_with_what_stays_and_then_with_not_found():
    task = add_task(TASK_ID, external_task_id="order-7", prompt="A cat")
    TaskStore().succeed(task, [stored_image()], "16")
    status, body, _ = call("delete", sample("api-delete"))
    assert status == 200
    assert set(body["data"]) == {
        *("task_id", "task_info", "task_status", "final_unit_deduction", "created_at", "updated_at", "deleted_at")
    }
    status, body, _ = call("delete", sample("api-delete"))
    assert (status, body["code"]) == (404, 1203)
    for query in ("api-query-one", "api-query-deliveries"):
        assert call("query", sample(query))[1]["code"] == 1203


def test_delete_of_a_running_task_is_refused():
    add_task(TASK_ID, external_task_id="order-7")
    status, body, _ = call("delete", sample("api-delete"))
    assert (status, body["code"]) == (409, 1201)
    assert body["message"] == "the task cannot be deleted: it is submitted; cancel it, or wait for its end"
