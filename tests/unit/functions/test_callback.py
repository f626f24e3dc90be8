"""The callback function: answers 200 to whatever the provider sends to a task's own address."""

from __future__ import annotations

import json

import pytest

from kiln.contract import TaskStatus
from kiln.links import callback_link
from kiln.tasks.store import TaskStore
from tests.support.functions import TASK_ID, call, sample
from tests.support.samples import add_task
from tests.support.workflow import park

TEST_BUTTON = {"id": "1", "status": "succeeded", "outputs": [], "message": "", "create_time": 1, "update_time": 2}


def callback(body: str | None) -> tuple[int, dict[str, object]]:
    token = callback_link("", TASK_ID).rpartition("/")[2]
    event = sample(
        "api-callback",
        path=f"/v1/callbacks/{TASK_ID}/{token}",
        pathParameters={"task_id": TASK_ID, "token": token},
        body=body,
    )
    status, answer, _ = call("callback", event)
    return status, answer


@pytest.mark.parametrize(
    "body", [sample("api-callback")["body"], json.dumps(TEST_BUTTON), "", None, "not JSON", "[" * 10_000]
)
def test_callback_of_any_status_only_wakes_the_workflow(executions, body):
    add_task(TASK_ID)
    park(TASK_ID)
    status, answer = callback(body)
    assert (status, answer["code"]) == (200, 0)
    assert executions.succeeded == ["the-token"]
    assert TaskStore().get(TASK_ID).task_status is TaskStatus.SUBMITTED


def test_late_and_repeated_callbacks_get_200(executions):
    TaskStore().fail(add_task(TASK_ID), "why")
    assert [callback("{}")[0] for _ in range(3)] == [200, 200, 200]
    assert executions.succeeded == []


def test_callback_with_a_forged_signature_gets_404():
    add_task(TASK_ID)
    status, answer, _ = call("callback", sample("api-callback"))
    assert (status, answer["code"]) == (404, 1203)
    assert TaskStore().get(TASK_ID).wake_requested_at is None
