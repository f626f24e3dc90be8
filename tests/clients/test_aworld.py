"""The client `aworld` 0.3.2 from PyPI, unmodified, with Kiln's base URL and a plain key."""

from __future__ import annotations

import pytest

from tests.clients.runners import Aworld
from tests.integration.client import Caller, Client
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded

pytestmark = pytest.mark.clients


@pytest.mark.parametrize("asynchronous", [False, True], ids=["requests", "aiohttp"])
def test_local_files_make_pictures(
    aworld: Aworld, kiln: Deployment, observer: Client, pictures: dict[str, str], caller: Caller, asynchronous: bool
):
    external_id = f"aworld-{asynchronous}"
    made = aworld.generate(
        caller.api_key,
        asynchronous=asynchronous,
        image_urls=[pictures["cat.png"], pictures["lantern.jpg"]],
        scene_image=pictures["scene.jpg"],
        style_image=pictures["style.png"],
        n=2,
        aspect_ratio="3:2",
        external_task_id=external_id,
    )

    task = made["answers"]["final"]["data"]
    assert made["image_url"] == task["task_result"]["images"][0]["url"]
    assert task["task_info"]["external_task_id"] == external_id
    assert assert_succeeded(kiln, observer, task["task_id"], n=2) == task


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"n": 10}, 1201, "n: "),
        ({"aspect_ratio": "5:9"}, 1201, "aspect_ratio: "),
        ({"callback_url": "ftp://example.com"}, 1201, "callback_url: "),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_refusal_is_raised_by_the_client(
    aworld: Aworld, pictures: dict[str, str], caller: Caller, change: dict[str, object], code: int, message: str
):
    images = [pictures["cat.png"], pictures["lantern.jpg"]]

    error = aworld.generate(caller.api_key, image_urls=images, **change)["error"]

    assert error["answer"]["code"] == code
    assert error["answer"]["message"].startswith(message)
    assert error["message"] == f"HTTP 400: {error['answer']['message']}"
    assert error["answer"]["request_id"]


def test_unknown_key_is_refused(aworld: Aworld, pictures: dict[str, str]):
    error = aworld.generate("not-a-key", image_urls=[pictures["cat.png"], pictures["lantern.jpg"]])["error"]

    assert error["answer"]["code"] == 1000
    assert error["message"].startswith("HTTP 401: ")


def test_failed_task_has_its_reason(aworld: Aworld, kiln: Deployment, pictures: dict[str, str], caller: Caller):
    kiln.set_faults(drop_callbacks=True, fail_tasks=1)

    error = aworld.generate(caller.api_key, image_urls=[pictures["cat.png"], pictures["lantern.jpg"]])["error"]

    reason = error["answer"]["data"]["task_status_msg"]
    assert reason
    assert error["message"] == f"Kling image task failed: {reason}"
