"""Waiting: ``Prefer: wait=N`` answers with the finished task, ``queue_position`` is the place in the queue."""

from __future__ import annotations

import time

import httpx
import pytest

from local.stack import TASKS_PATH
from tests.integration.client import NEVER, TERMINAL, UNDER_WAY, Client, JsonObject, job, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_failed, assert_succeeded
from tests.integration.steps import cancel, fill_the_provider


def create(client: Client, prefer: str, **changes: object) -> httpx.Response:
    answer = client.send("POST", TASKS_PATH, json=job(**changes), headers={"Prefer": prefer})
    assert answer.status_code == 200, answer.text
    return answer


def ended_within(client: Client, prefer: str, applied: str) -> JsonObject:
    """Creates tasks until one has ended within its wait; where the computer is slow, some do not."""

    def answered() -> JsonObject | None:
        answer = create(client, prefer)
        assert answer.headers["preference-applied"] == applied
        data: JsonObject = answer.json()["data"]
        return data if data["task_status"] in TERMINAL else None

    return wait_until(answered, "a task has ended within its wait")


@pytest.mark.parametrize(
    ("prefer", "applied"), [("wait=20", "wait=20"), ("respond-async, wait=20", "wait=20"), ("wait=999", "wait=25")]
)
def test_wait_is_answered_when_the_task_ends(kiln: Deployment, client: Client, prefer: str, applied: str) -> None:
    answered = ended_within(client, prefer, applied)
    assert answered["task_status"] == "succeed"
    assert assert_succeeded(kiln, client, answered["task_id"]) == answered


def test_wait_is_answered_when_the_task_fails(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(fail_tasks=1.0)
    answered = ended_within(client, "wait=20", "wait=20")
    assert answered["task_status"] == "failed"
    assert assert_failed(kiln, client, answered["task_id"], reason=answered["task_status_msg"]) == answered


def test_wait_is_answered_at_its_deadline(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    started = time.monotonic()
    answer = create(client, "wait=1")
    assert time.monotonic() - started >= 1
    assert answer.headers["preference-applied"] == "wait=1"
    answered = answer.json()["data"]
    assert answered["task_status"] in UNDER_WAY
    assert "task_result" not in answered
    wait_until(lambda: kiln.generations(answered["task_id"]), "the provider has it")
    kiln.finish()
    assert_succeeded(kiln, client, answered["task_id"])


@pytest.mark.parametrize("prefer", ["", "wait=0", "wait=soon", "return=minimal"])
def test_create_without_prefer_answers_at_once(kiln: Deployment, client: Client, prefer: str) -> None:
    answer = create(client, prefer)
    assert "preference-applied" not in answer.headers
    assert answer.json()["data"]["task_status"] == "submitted"
    assert_succeeded(kiln, client, answer.json()["data"]["task_id"])


def test_waiting_task_shows_its_queue_position(kiln: Deployment, client: Client) -> None:
    blocking = fill_the_provider(kiln, client)
    waiting = [client.create(external_task_id=f"waits-{number}") for number in range(3)]
    wait_until(lambda: all(kiln.is_parked(task_id) for task_id in waiting), "all of them wait in the queue")
    wait_until(
        lambda: [client.get(task_id).get("queue_position") for task_id in waiting] == [1, 2, 3], "each has its position"
    )
    wait_until(lambda: client.get("waits-1").get("queue_position") == 2, "it is found by its external id, too")
    assert "queue_position" not in client.get(blocking)
    # A task that leaves the queue moves the others up.
    cancelled = waiting.pop(0)
    assert "queue_position" not in cancel(client, cancelled).json()["data"]
    # A position may be a second old.
    wait_until(
        lambda: [client.get(task_id).get("queue_position") for task_id in waiting] == [1, 2], "the others have moved up"
    )
    kiln.finish()
    assert "queue_position" not in assert_succeeded(kiln, client, blocking, n=9)
    for task_id in waiting:
        assert "queue_position" not in assert_succeeded(kiln, client, task_id)


def test_query_that_waits_is_answered_at_the_next_change(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    created = client.send("POST", TASKS_PATH, json=job())
    task_id = created.json()["data"]["task_id"]
    assert created.headers["location"].endswith(f"{TASKS_PATH}/{task_id}")

    def seen() -> str:
        answer = client.send("GET", f"{TASKS_PATH}/{task_id}", headers={"Prefer": "wait=20"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["task_status"])

    wait_until(lambda: seen() == "processing", "the wait has ended with the next status")
    kiln.finish()
    assert_succeeded(kiln, client, task_id)
