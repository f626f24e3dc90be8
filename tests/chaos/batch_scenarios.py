"""Batches whose request breaks: it is sent again, or it never is."""

from __future__ import annotations

import httpx

from kiln.tasks import items
from local.receiver import Receiver
from tests.chaos.invariants import assert_kept
from tests.chaos.stacks import ChaosDeployment, client_of
from tests.integration.client import Client, JsonObject, job, wait_until

BATCHES = "/v1/batches"
_SIZES = (1, 2)
"""The images of each job."""


def repeated_batch(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """Two jobs of a careful caller, who sends the request once more when no answer came."""
    with client_of(kiln) as client:
        answer = _send(client, receiver, marker)
        if answer.status_code != 200:
            assert answer.status_code >= 500, answer.text
            answer = _send(client, receiver, marker)
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        assert (len(data["tasks"]), data["refused"]) == (len(_SIZES), [])
        _assert_finished(kiln, client, receiver, marker)


def abandoned_batch(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """The same of a caller who gives up: the batch is absent, or it finishes with the tasks that it has."""
    with client_of(kiln) as client:
        _send(client, receiver, marker)
        found = client.send("GET", f"{BATCHES}/{marker}")
        if found.status_code == 404:
            assert kiln.tasks_with_prompt(marker) == []
            return
        key = items.batch_key(found.json()["data"]["batch_id"])
        if kiln.is_incomplete(key):
            # Ten minutes pass.
            kiln.set_numbers(key, turn=1)
            kiln.reconcile()
        _assert_finished(kiln, client, receiver, marker)


def _send(client: Client, receiver: Receiver, marker: str) -> httpx.Response:
    jobs = [job(prompt=marker, n=n) for n in _SIZES]
    body = {"jobs": jobs, "external_batch_id": marker, "callback_url": f"{receiver.url}/{marker}"}
    return client.send("POST", BATCHES, json=body)


def _assert_finished(kiln: ChaosDeployment, client: Client, receiver: Receiver, marker: str) -> None:
    """Each job has one task or is refused; the end has one event id and one webhook id, however often it is sent."""

    def finished() -> JsonObject | None:
        data: JsonObject = client.send("GET", f"{BATCHES}/{marker}").json()["data"]
        return data if data.get("finished_at") else None

    batch = wait_until(finished, f"the batch {marker} has finished")
    numbers = {each["job"] for each in batch["refused"]}
    assert len(batch["tasks"]) + len(numbers) == len(_SIZES), batch
    sizes = [n for number, n in enumerate(_SIZES, start=1) if number not in numbers]
    for task, n in zip(batch["tasks"], sizes, strict=True):
        assert_kept(kiln, client, task["task_id"], n=n)
    assert sorted(kiln.tasks_with_prompt(marker)) == sorted(task["task_id"] for task in batch["tasks"])

    def event_ids() -> set[str]:
        mine = kiln.batch_ends(batch["batch_id"])
        assert all(each["data"]["counts"] == batch["counts"] for each in mine)
        return {each["metadata"]["event_id"] for each in mine}

    def webhook_ids() -> set[str]:
        return {each.headers["webhook-id"] for each in list(receiver.received) if each.path.endswith(marker)}

    assert wait_until(event_ids, "the end of the batch is published") == wait_until(webhook_ids, "and notified of")
    assert len(event_ids()) == 1
