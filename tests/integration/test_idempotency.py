"""``Idempotency-Key``: a create that is sent again is the same task, whatever became of the first answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local.stack import TASKS_PATH
from tests.integration.client import Client, job
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded


def create(client: Client, key: str, **changes: object) -> httpx.Response:
    return client.send("POST", TASKS_PATH, json=job(**changes), headers={"Idempotency-Key": key})


def test_same_key_and_body_get_the_first_answer(kiln: Deployment, client: Client) -> None:
    first = create(client, "order-17", external_task_id="seventeen")
    assert first.status_code == 200, first.text
    again = create(client, "order-17", external_task_id="seventeen")
    task_id = first.json()["data"]["task_id"]
    assert again.json()["data"] == first.json()["data"]
    assert_succeeded(kiln, client, task_id)
    # Also when the task has ended: the answer is the one to create.
    assert create(client, "order-17", external_task_id="seventeen").json()["data"] == first.json()["data"]
    assert [task["task_id"] for task in client.list()] == [task_id]
    assert kiln.generations(task_id) == 1


def test_same_key_with_another_body_is_refused(kiln: Deployment, client: Client) -> None:
    first = create(client, "k")
    task_id = first.json()["data"]["task_id"]
    other = create(client, "k", prompt="Another")
    assert (other.status_code, other.json()["code"]) == (422, 1201)
    assert other.json()["message"].startswith("Idempotency-Key: must be used with one body only")
    assert [task["task_id"] for task in client.list()] == [task_id]
    assert_succeeded(kiln, client, task_id)


def test_concurrent_creates_with_a_key_make_one_task(kiln: Deployment, client: Client) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: create(client, "at-once"), range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    (task_id,) = {answer.json()["data"]["task_id"] for answer in answers}
    assert [task["task_id"] for task in client.list()] == [task_id]
    assert_succeeded(kiln, client, task_id)


def test_same_key_of_another_caller_is_another_task(
    kiln: Deployment, client: Client, new_client: Callable[[Deployment], Client]
) -> None:
    other = new_client(kiln)
    mine = create(client, "shared").json()["data"]["task_id"]
    theirs = create(other, "shared", prompt="Another").json()["data"]["task_id"]
    assert mine != theirs
    assert_succeeded(kiln, client, mine)
    assert_succeeded(kiln, other, theirs)


def test_creates_without_a_key_are_separate_tasks(kiln: Deployment, client: Client) -> None:
    task_ids = {create(client, key).json()["data"]["task_id"] for key in ("", "", "a", "b")}
    assert len(task_ids) == 4
    for task_id in task_ids:
        assert_succeeded(kiln, client, task_id)


def test_refused_create_does_not_use_its_key(kiln: Deployment, client: Client) -> None:
    assert create(client, "mended", n=10).status_code == 400
    mended = create(client, "mended")
    assert mended.status_code == 200, mended.text
    assert_succeeded(kiln, client, mended.json()["data"]["task_id"])


@pytest.mark.parametrize(("key", "status"), [("x" * 255, 200), ("x" * 256, 400)])
def test_key_of_more_than_255_characters_is_refused(kiln: Deployment, client: Client, key: str, status: int) -> None:
    answer = create(client, key)
    assert answer.status_code == status, json.dumps(answer.json())
    if status == 200:
        assert_succeeded(kiln, client, answer.json()["data"]["task_id"])
    else:
        assert answer.json()["message"] == "Idempotency-Key: must be at most 255 characters, got 256"
