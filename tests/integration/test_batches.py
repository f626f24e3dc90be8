"""Batches on the deployed template: every task runs, and one event and one webhook say that all have ended."""

from __future__ import annotations

from standardwebhooks import Webhook

from local.receiver import Receiver
from tests.integration.client import Client, JsonObject, job, picture, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded
from tests.integration.steps import assert_of_shape, fill_the_provider

BATCHES = "/v1/batches"


def finished(kiln: Deployment, batch_id: str) -> list[JsonObject]:
    """The events of a batch's end."""
    events = kiln.events_of_type("Image Batch Finished")
    return [event["detail"] for event in events if event["detail"]["data"]["batch_id"] == batch_id]


def found(client: Client, batch_id: str) -> JsonObject:
    answer = client.send("GET", f"{BATCHES}/{batch_id}")
    assert answer.status_code == 200, answer.text
    data: JsonObject = answer.json()["data"]
    return data


def test_batch_runs_and_says_once_that_it_has_finished(
    kiln: Deployment, signed_client: Client, receiver: Receiver
) -> None:
    sent = {"jobs": [job(), job(n=10), job(n=2)], "callback_url": receiver.url, "external_batch_id": "order-7"}
    answers = [signed_client.send("POST", BATCHES, json=sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    created = answers[0].json()["data"]
    assert answers[1].json()["data"] == created
    assert [each["job"] for each in created["refused"]] == [2]
    for number, each in zip((1, 2), created["tasks"], strict=True):
        assert_succeeded(kiln, signed_client, each["task_id"], n=number)

    batch_id = created["batch_id"]
    event = wait_until(lambda: finished(kiln, batch_id), "the end of the batch is published")[0]
    assert_of_shape(event, "image-batch-finished.json")
    counts = {"jobs": 3, "refused": 1, "submitted": 0, "processing": 0, "succeed": 2, "failed": 0}
    assert event["data"]["counts"] == counts
    batch = found(signed_client, "order-7")
    assert (batch["counts"], batch["finished_at"]) == (counts, event["data"]["finished_at"])
    [request] = wait_until(lambda: receiver.received, "the webhook of the batch has come")
    body = Webhook(signed_client.caller.webhook_secret).verify(request.body, request.headers)
    assert body == event["data"]
    assert len(finished(kiln, batch_id)) == 1
    [delivery] = wait_until(lambda: found(signed_client, batch_id)["deliveries"], "the delivery is recorded")
    assert (delivery["outcome"], delivery["attempt"]) == ("delivered", 1)


def test_cancelled_batch_finishes(kiln: Deployment, client: Client) -> None:
    fill_the_provider(kiln, client)
    answer = client.send("POST", BATCHES, json={"jobs": [job(n=9), job(n=9)]})
    batch_id = answer.json()["data"]["batch_id"]
    cancelled = client.send("POST", f"{BATCHES}/{batch_id}/cancel")
    assert cancelled.json()["data"]["counts"]["failed"] == 2, cancelled.text
    wait_until(lambda: finished(kiln, batch_id), "the end of the batch is published")
    kiln.finish()


def test_list_of_a_drop_is_a_batch(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    jobs = [{"prompt": "One", "subject_image_list": ["cat.png"]}, {"n": 10, "subject_image_list": ["cat.png"]}]
    kiln.drop(f"{folder}/cat.png", picture())
    kiln.drop(f"{folder}/job.json", {"jobs": jobs})

    def answered() -> JsonObject | None:
        result = kiln.result(folder)
        return result if isinstance(result.get("data"), list) else None

    together = wait_until(answered, "the list is answered")
    [event] = wait_until(lambda: finished(kiln, together["request_id"]), "the end of the list is published")
    assert (event["metadata"]["channel"], event["data"]["counts"]["succeed"]) == ("drop", 1)
    batch = found(inbox_client, together["request_id"])
    assert (batch["counts"]["jobs"], batch["counts"]["refused"], batch["counts"]["succeed"]) == (2, 1, 1)
