"""Big images: an upload, a reference in place of the image, and its owner."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from local.stack import TASKS_PATH
from tests.integration.client import SUBJECT, Client, JsonObject, job, picture
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded

LIMIT = 10 * 1024 * 1024


def opened(client: Client) -> JsonObject:
    """A place to upload to."""
    answer = client.send("POST", "/v1/uploads")
    assert (answer.status_code, answer.json()["code"]) == (200, 0), answer.text
    place: JsonObject = answer.json()["data"]
    return place


def upload(kiln: Deployment, place: JsonObject, content: bytes) -> httpx.Response:
    """Sends an image there as an HTML form would: without any key."""
    return kiln.http.post(place["url"], data=place["fields"], files={"file": ("image", content)})


def uploaded(kiln: Deployment, client: Client, content: bytes) -> str:
    place = opened(client)
    answer = upload(kiln, place, content)
    assert answer.is_success, answer.text
    reference: str = place["reference"]
    return reference


def padded(size: int) -> bytes:
    """A picture of so many bytes: readers ignore the bytes after its end."""
    image = picture()
    return image + bytes(size - len(image))


def test_reference_is_accepted_in_every_image_field(kiln: Deployment, client: Client) -> None:
    largest = uploaded(kiln, client, padded(LIMIT))
    scene = uploaded(kiln, client, picture(kind="JPEG"))
    subjects = [{"subject_image": largest}, {"subject_image": SUBJECT}]
    task_id = client.create(subject_image_list=subjects, scene_image=scene, style_image=scene)
    assert_succeeded(kiln, client, task_id)
    # It is not used up: another task may have it too.
    assert_succeeded(kiln, client, client.create(subject_image_list=[{"subject_image": scene}]))


def test_later_upload_does_not_change_an_accepted_task(kiln: Deployment, client: Client) -> None:
    place = opened(client)
    assert upload(kiln, place, picture()).is_success
    body, once = job(scene_image=place["reference"]), {"Idempotency-Key": place["reference"]}

    def create() -> httpx.Response:
        return client.send("POST", TASKS_PATH, json=body, headers=once)

    first = create().json()["data"]["task_id"]
    # The place stays open: what comes later is another image, and another request.
    assert upload(kiln, place, picture(400, 400)).is_success
    assert create().status_code == 422
    assert upload(kiln, place, picture()).is_success
    assert create().json()["data"]["task_id"] == first
    kept = client.send("GET", f"{TASKS_PATH}/{first}/request").json()["data"]["scene_image"]
    assert kiln.http.get(kept).content == picture()
    assert_succeeded(kiln, client, first)
    retried = client.send("POST", f"{TASKS_PATH}/{first}/retry").json()["data"]["task_id"]
    assert_succeeded(kiln, client, retried)


def test_upload_answer_has_its_documented_fields(client: Client) -> None:
    place = opened(client)
    assert place["max_bytes"] == LIMIT
    assert place["reference"].startswith("kiln-upload://")
    assert place["expires_at"] > 0
    assert opened(client)["reference"] != place["reference"]
    assert client.http.post("/v1/uploads").status_code == 401


@pytest.mark.parametrize("size", [0, LIMIT + 1])
def test_too_small_or_too_large_upload_is_refused_by_s3(kiln: Deployment, client: Client, size: int) -> None:
    place = opened(client)
    assert upload(kiln, place, bytes(size)).status_code == 400
    answer = client.post(job(scene_image=place["reference"]))
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)


def test_form_for_another_key_is_refused_by_s3(kiln: Deployment, client: Client) -> None:
    place = opened(client)
    place["fields"]["key"] = place["fields"]["key"][:-1] + "0"
    assert upload(kiln, place, picture()).status_code == 403


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "must have been uploaded first, got nothing at "),
        (b"plain text", "must be a jpg, jpeg or png image by its content, got plain text: send the image itself"),
        (picture(299, 400), "each side must be at least 300 px, got 299 x 400 px"),
    ],
    ids=["nothing", "no image", "too narrow"],
)
def test_wrong_upload_is_refused_with_its_fault(
    kiln: Deployment, client: Client, content: bytes | None, reason: str
) -> None:
    reference = opened(client)["reference"] if content is None else uploaded(kiln, client, content)
    answer = client.post(job(scene_image=reference))
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert answer.json()["message"] == f"scene_image: {reason}{reference if content is None else ''}"
    assert client.list() == []


def test_reference_of_another_caller_is_refused(
    kiln: Deployment, client: Client, new_client: Callable[[Deployment], Client]
) -> None:
    reference = uploaded(kiln, client, picture())
    other = new_client(kiln)
    answer = other.post(job(scene_image=reference))
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert answer.json()["message"] == f"scene_image: must have been uploaded first, got nothing at {reference}"
    assert other.list() == []
