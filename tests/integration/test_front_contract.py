"""The contract over HTTP: who may call, what is refused and how, and that a refusal costs nothing."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.stack import TASKS_PATH
from tests.integration.client import SUBJECT, Caller, Client, job, picture
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded


def authorization(code: int, make: Callable[[Caller], dict[str, str]], name: str) -> Any:
    return pytest.param(code, make, id=name)


@pytest.mark.parametrize(
    ("code", "headers_of"),
    [
        authorization(1001, lambda _: {}, "none"),
        authorization(1001, lambda _: {"Authorization": ""}, "empty"),
        authorization(1002, lambda caller: {"Authorization": caller.api_key}, "no scheme"),
        authorization(1002, lambda caller: {"Authorization": f"Basic {caller.api_key}"}, "another scheme"),
        authorization(1002, lambda _: {"Authorization": "Bearer"}, "no token"),
        authorization(1002, lambda _: {"Authorization": "Bearer a.b.c"}, "not a JWT"),
        authorization(1000, lambda _: {"Authorization": "Bearer no-such-key"}, "unknown key"),
        authorization(1000, lambda caller: bearer(caller.token(iss="no-such-caller")), "unknown access key"),
        authorization(1000, lambda caller: bearer(caller.token(key="x" * 64)), "wrong signature"),
        authorization(1003, lambda caller: bearer(caller.token(nbf=int(time.time()) + 600)), "not yet valid"),
        authorization(1004, lambda caller: bearer(caller.token(exp=int(time.time()) - 600)), "expired"),
    ],
)
def test_wrong_credentials_are_refused(
    client: Client, code: int, headers_of: Callable[[Caller], dict[str, str]]
) -> None:
    headers = headers_of(client.caller)
    for answer in (
        client.http.post(TASKS_PATH, json=job(), headers=headers),
        client.http.get(TASKS_PATH, headers=headers),
        client.http.get(f"{TASKS_PATH}/some-id", headers=headers),
    ):
        body = answer.json()
        assert (answer.status_code, body["code"]) == (401, code), body
        assert body["request_id"]
        assert "data" not in body
    assert client.list() == []


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_plain_key_is_accepted_like_a_token(client: Client) -> None:
    answer = client.http.get(TASKS_PATH, headers=bearer(client.caller.api_key))
    assert answer.status_code == 200
    lower_case = client.http.get(TASKS_PATH, headers={"authorization": f"bearer {client.caller.token()}"})
    assert lower_case.status_code == 200


def encoded(**how: Any) -> str:
    return base64.b64encode(picture(**how)).decode()


def subjects(*images: object) -> list[dict[str, object]]:
    return [{"subject_image": image} for image in images]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"model_name": "kling-v9"}, "model_name"),
        ({"prompt": "x" * 2501}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"subject_image_list": None}, "subject_image_list"),
        ({"subject_image_list": []}, "subject_image_list"),
        ({"subject_image_list": subjects(*[SUBJECT] * 5)}, "subject_image_list"),
        ({"subject_image_list": "cat.png"}, "subject_image_list"),
        ({"subject_image_list": [{}]}, "subject_image_list[0].subject_image"),
        ({"subject_image_list": subjects(SUBJECT, "no image")}, "subject_image_list[1].subject_image"),
        ({"subject_image_list": subjects("ftp://example.com/a.png")}, "subject_image_list[0].subject_image"),
        ({"subject_image_list": subjects("aGVsbG8=")}, "subject_image_list[0].subject_image"),
        ({"subject_image_list": subjects(encoded(width=299))}, "subject_image_list[0].subject_image"),
        ({"scene_image": encoded(width=900, height=300)}, "scene_image"),
        ({"style_image": encoded(kind="GIF")}, "style_image"),
        ({"n": 0}, "n"),
        ({"n": 10}, "n"),
        ({"n": "many"}, "n"),
        ({"n": True}, "n"),
        ({"aspect_ratio": "5:4"}, "aspect_ratio"),
        ({"watermark_info": {"enabled": "perhaps"}}, "watermark_info.enabled"),
        ({"callback_url": "gopher://example.com"}, "callback_url"),
        ({"external_task_id": "x" * 513}, "external_task_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_broken_limit_is_refused(client: Client, changes: dict[str, object], field: str) -> None:
    answer = client.post(job(**changes))
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, 1201), body
    assert body["message"].startswith(f"{field}: "), body
    assert "data" not in body
    assert client.list() == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b"a=b"])
def test_body_other_than_a_json_object_is_refused(client: Client, content: bytes) -> None:
    answer = client.send("POST", TASKS_PATH, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, 1200), answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/images/other"),
        ("DELETE", TASKS_PATH),
        ("PUT", f"{TASKS_PATH}/some-id"),
        ("POST", f"{TASKS_PATH}/some-id"),
        ("GET", "/v1"),
    ],
)
def test_unknown_route_or_method_is_refused(client: Client, method: str, path: str) -> None:
    answer = client.send(method, path)
    # Which of the gateway's refusals comes is the gateway's; none of them is a success or a fault of ours.
    assert 400 <= answer.status_code < 500, answer.text


def test_request_with_every_field_is_accepted(kiln: Deployment, client: Client) -> None:
    body = {
        "model_name": "kling-v2-1",
        "prompt": "猫" * 2500,
        "subject_image_list": subjects(
            SUBJECT, f"data:image/png;base64,{SUBJECT}", encoded(kind="JPEG"), encoded(width=750, height=300)
        ),
        "scene_image": encoded(colour="navy"),
        "style_image": encoded(colour="maroon"),
        "n": 9,
        "aspect_ratio": "21:9",
        "watermark_info": {"enabled": True},
        "external_task_id": "everything",
        "resolution": "2k",
        "negative_prompt": "not of the contract, and ignored",
    }
    answer = client.post(body)
    assert answer.status_code == 200, answer.text
    task = assert_succeeded(kiln, client, answer.json()["data"]["task_id"], n=9)
    assert task["watermark_info"] == {"enabled": True}
    found = kiln.at_provider(f"/{kiln.run_id(task['task_id'])}")
    assert found["watermark_info"] == {"enabled": True}


def test_empty_fields_are_read_as_missing(kiln: Deployment, client: Client) -> None:
    task_id = client.create(prompt="", scene_image="", style_image=None, callback_url="", watermark_info={})
    assert_succeeded(kiln, client, task_id)
