"""The client `kling-api` 1.0.0 from npm, unmodified, with Kiln's base URL and an access key and secret key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.runners import KlingApi
from tests.integration.client import Client, JsonObject, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded

pytestmark = pytest.mark.clients


@pytest.fixture
def params(pictures: dict[str, str]) -> JsonObject:
    """The arguments of the client's ``multiImageToImage``; it reads the files itself."""
    return {
        "prompt": "A cat carries a lantern",
        "subject_image_list": [{"subject_image": pictures["cat.png"]}, {"subject_image": pictures["lantern.jpg"]}],
        "aspect_ratio": "3:2",
    }


def create(kling_api: KlingApi, params: JsonObject) -> str:
    """Has the client create a task, and gives its id."""
    answer = kling_api.call("create", params=params)["answer"]
    assert answer["code"] == 0
    assert answer["data"]["task_status"] == "submitted"
    task_id: str = answer["data"]["task_id"]
    return task_id


def test_created_task_is_awaited_and_saved(
    kling_api: KlingApi,
    kiln: Deployment,
    observer: Client,
    pictures: dict[str, str],
    params: JsonObject,
    tmp_path: Path,
):
    references = {"scene_image": pictures["scene.jpg"], "style_image": pictures["style.png"]}
    task_id = create(kling_api, params | references | {"n": 3, "model_name": "kling-v2-1"})

    finished = kling_api.call("finish", task_id=task_id, folder=str(tmp_path), prompt="cat")["answer"]

    task = finished["task"]["data"]
    assert assert_succeeded(kiln, observer, task_id, n=3) == task
    saved = [Path(file).read_bytes() for file in finished["files"]]
    assert saved == [
        kiln.http.get(image["url"], follow_redirects=True).content for image in task["task_result"]["images"]
    ]


def test_either_id_finds_the_task(kling_api: KlingApi, params: JsonObject):
    task_id = create(kling_api, params | {"external_task_id": "kling-api-either"})

    found = [kling_api.call("query", task_id=either)["answer"]["data"] for either in (task_id, "kling-api-either")]

    assert [task["task_id"] for task in found] == [task_id, task_id]


def test_provider_outage_does_not_reach_the_client(
    kling_api: KlingApi, kiln: Deployment, observer: Client, params: JsonObject, tmp_path: Path
):
    kiln.set_faults(drop_callbacks=True, error_rate=1)
    asked_before = kiln.stats()["creates"]
    task_id = create(kling_api, params)
    wait_until(lambda: kiln.stats()["creates"] > asked_before, "the provider has been asked without success")
    kiln.set_faults(drop_callbacks=True)

    finished = kling_api.call("finish", task_id=task_id, folder=str(tmp_path), prompt="cat")["answer"]

    assert len(finished["files"]) == 1
    assert_succeeded(kiln, observer, task_id)


def test_refusal_is_raised_by_the_client(kling_api: KlingApi, pictures: dict[str, str], params: JsonObject):
    too_small = {"subject_image_list": [{"subject_image": pictures["too-small.png"]}]}

    error = kling_api.call("create", params=params | too_small)["error"]

    assert (error["name"], error["httpStatus"], error["code"]) == ("KlingAPIError", 400, 1201)
    assert error["message"].startswith("subject_image_list")
    assert error["requestId"]


def test_used_external_id_is_refused(kling_api: KlingApi, params: JsonObject):
    create(kling_api, params | {"external_task_id": "kling-api-twice"})

    error = kling_api.call("create", params=params | {"external_task_id": "kling-api-twice"})["error"]

    assert (error["httpStatus"], error["code"]) == (400, 1201)
    assert error["message"] == "External_task_id kling-api-twice already exists"


def test_missing_task_is_not_found(kling_api: KlingApi):
    error = kling_api.call("query", task_id="no-such-task")["error"]

    assert (error["httpStatus"], error["code"]) == (404, 1203)
    assert "no-such-task" in error["message"]


@pytest.mark.parametrize("wrong", ["accessKey", "secretKey"])
def test_wrong_key_is_refused(kling_api: KlingApi, params: JsonObject, wrong: str):
    error = kling_api.call("create", config={wrong: "0" * 32}, params=params)["error"]

    assert (error["httpStatus"], error["code"]) == (401, 1000)


def test_failed_task_has_its_reason(kling_api: KlingApi, kiln: Deployment, observer: Client, params: JsonObject):
    kiln.set_faults(drop_callbacks=True, fail_tasks=1)
    task_id = create(kling_api, params)

    error = kling_api.call("finish", task_id=task_id, folder="unused", prompt="cat")["error"]

    assert error["message"] == observer.get(task_id)["task_status_msg"]
    assert error["message"]


def test_account_is_answered_in_the_providers_form(kling_api: KlingApi):
    """The client's health check asks for it. The caller has no budget, so it has no pack."""
    answer = kling_api.call("account")["answer"]

    assert (answer["code"], answer["data"]["code"], answer["data"]["resource_pack_subscribe_infos"]) == (0, 0, [])
