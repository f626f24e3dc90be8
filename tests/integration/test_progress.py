"""A task's progress as its caller sees it: the stages in order, the request, and a retry."""

from __future__ import annotations

from collections.abc import Callable

from local.stack import TASKS_PATH
from tests.integration.client import Client, JsonObject, picture, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_failed, assert_succeeded
from tests.integration.steps import fill_the_provider

STAGES = ["waiting", "dispatching", "generating", "collecting", "succeed"]


def read(client: Client, either_id: str, what: str) -> JsonObject:
    answer = client.send("GET", f"{TASKS_PATH}/{either_id}/{what}")
    assert answer.status_code == 200, answer.text
    data: JsonObject = answer.json()["data"]
    return data


def retry(client: Client, either_id: str, **headers: str) -> JsonObject:
    answer = client.send("POST", f"{TASKS_PATH}/{either_id}/retry", headers=headers)
    assert answer.status_code == 200, answer.text
    data: JsonObject = answer.json()["data"]
    return data


def test_steps_are_recorded_in_their_order(kiln: Deployment, client: Client) -> None:
    task_id = client.create(external_task_id="watched")
    seen: list[str] = []

    def has_ended() -> bool:
        stage = read(client, "watched", "progress")["stage"]
        seen.extend([stage] if [stage] != seen[-1:] else [])
        return bool(stage == "succeed")

    wait_until(has_ended, "the task has succeeded")
    assert seen == [stage for stage in STAGES if stage in seen], "no stage comes back"
    progress = read(client, task_id, "progress")
    assert [step["step"] for step in progress["steps"]] == [
        "accepted",
        "slots_acquired",
        "dispatched",
        "collecting",
        "succeed",
    ]
    times = [step["at"] for step in progress["steps"]]
    assert times == sorted(times)
    assert progress["dispatch_attempts"] == 1
    assert progress["polls"] >= 1
    assert_succeeded(kiln, client, task_id)


def test_waiting_task_shows_its_queue_position(kiln: Deployment, client: Client) -> None:
    blocking = fill_the_provider(kiln, client)
    waiting = [client.create() for _ in range(2)]
    wait_until(lambda: all(kiln.is_parked(task_id) for task_id in waiting), "both wait in the queue")

    def seen() -> tuple[str, int | None]:
        behind = read(client, waiting[1], "progress")
        return behind["stage"], behind.get("queue_position")

    # A position may be a second old.
    wait_until(lambda: seen() == ("waiting", 2), "the second one has its position")
    kiln.finish()
    for task_id in (blocking, *waiting):
        client.wait_for(task_id, "succeed")


def test_stored_request_has_links_that_open(
    kiln: Deployment, client: Client, new_client: Callable[[Deployment], Client]
) -> None:
    task_id = client.create(prompt="A cat in a 灯笼", aspect_ratio="1:1", watermark_info={"enabled": True})
    request = read(client, task_id, "request")
    assert (request["prompt"], request["aspect_ratio"], request["n"]) == ("A cat in a 灯笼", "1:1", 1)
    assert request["watermark_info"] == {"enabled": True}
    [subject] = request["subject_image_list"]
    assert kiln.http.get(subject["subject_image"]).content == picture()
    stranger = new_client(kiln)
    for what in ("progress", "request"):
        refused = stranger.send("GET", f"{TASKS_PATH}/{task_id}/{what}")
        assert (refused.status_code, refused.json()["code"]) == (404, 1203)
    refused = stranger.send("POST", f"{TASKS_PATH}/{task_id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (404, 1203)
    client.wait_for(task_id, "succeed")


def test_failed_task_is_retried_with_the_same_request(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(fail_tasks=1)
    failed = client.create(prompt="Once more", external_task_id="order-1")
    refused = client.send("POST", f"{TASKS_PATH}/{failed}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, 1201)
    client.wait_for(failed, "failed")
    kiln.set_faults()
    again = retry(client, "order-1", **{"Idempotency-Key": "again"})
    assert retry(client, "order-1", **{"Idempotency-Key": "again"}) == again
    assert read(client, again["task_id"], "request")["prompt"] == "Once more"
    assert_succeeded(kiln, client, again["task_id"])


def test_failed_drop_is_retried_when_its_job_is_dropped_again(kiln: Deployment, inbox_client: Client) -> None:
    folder = "failed-and-dropped-again"
    body: JsonObject = {"subject_image_list": [{"subject_image": "a.png"}], "prompt": "A drop"}
    kiln.set_faults(fail_tasks=1)
    kiln.drop(f"{folder}/a.png", picture())
    kiln.drop(f"{folder}/job.json", body)
    failed = kiln.result(folder)["data"]
    assert failed["task_status"] == "failed"
    kiln.set_faults()
    kiln.drop(f"{folder}/job.json", body)
    wait_until(lambda: kiln.result(folder)["data"]["task_status"] == "succeed", "the second attempt has succeeded")
    assert_failed(kiln, inbox_client, failed["task_id"], reason=failed["task_status_msg"])
