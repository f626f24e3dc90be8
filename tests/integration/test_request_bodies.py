"""The table of bodies, against the deployed API."""

from __future__ import annotations

import pytest

from local.stack import TASKS_PATH
from tests.world.request_bodies import ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_body_has_its_outcome(client, row: Row):
    headers = {"Content-Type": "application/json", **(row.headers or {})}
    answer = client.send("POST", TASKS_PATH, content=row.body, headers=headers)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400 if row.code else 200, row.code), body["message"]
    assert row.says in body["message"]
    assert answer.headers.get("Kiln-Ignored-Fields", "") == row.ignored


@pytest.mark.parametrize("external_task_id", ["a/b", ".", "..", "a b&c=d", "猫", "-"])
def test_task_is_found_and_cancelled_by_an_external_id_in_the_query(client, external_task_id):
    task_id = client.create(external_task_id=external_task_id)
    named = {"external_task_id": external_task_id}
    found = client.send("GET", TASKS_PATH, params=named).json()
    assert found["data"]["task_id"] == task_id
    progress = client.send("GET", f"{TASKS_PATH}/-/progress", params=named).json()
    assert progress["data"]["task_id"] == task_id
    cancelled = client.send("POST", f"{TASKS_PATH}/-/cancel", params=named)
    assert cancelled.status_code in (200, 409), cancelled.text
