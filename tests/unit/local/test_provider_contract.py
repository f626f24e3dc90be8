"""The simulated provider keeps the contract: its answers, its refusals, its credentials and its slots."""

from __future__ import annotations

import time

import jwt
import pytest

from tests.support.provider_rig import ACCESS_KEY, API_KEY, PATH, SECRET_KEY, make_job, picture, provider, sign


def test_task_runs_until_it_has_images():
    with provider() as rig:
        created = rig.create(make_job(n=2, external_task_id="mine"))
        assert created.status_code == 200
        body = created.json()
        assert (body["code"], body["message"]) == (0, "SUCCEED")
        assert body["request_id"]
        data = body["data"]
        assert data["task_id"].isdecimal()
        assert data["task_info"] == {"external_task_id": "mine"}
        assert data["task_status"] == "submitted"
        assert data["created_at"] == data["updated_at"]

        done = rig.wait_for(data["task_id"], "succeed")

        assert done["final_unit_deduction"] == "32"
        assert done["updated_at"] > done["created_at"]
        assert [image["index"] for image in done["task_result"]["images"]] == [0, 1]
        assert rig.found("mine") == done


def test_unknown_fields_are_ignored():
    with provider() as rig:
        assert rig.create(make_job(resolution="2k", negative_prompt="rain")).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"n": 10}, "n"),
        ({"n": "many"}, "n"),
        ({"aspect_ratio": "5:4"}, "aspect_ratio"),
        ({"model_name": "kling-v9"}, "model_name"),
        ({"prompt": "p" * 2501}, "prompt"),
        ({"subject_image_list": []}, "subject_image_list"),
        ({"subject_image_list": [{"subject_image": picture(width=299)}]}, "subject_image_list[0].subject_image"),
        ({"scene_image": picture(width=1000, height=300)}, "scene_image"),
        ({"callback_url": "ftp://example.com"}, "callback_url"),
    ],
)
def test_broken_limit_is_named(change, field):
    with provider() as rig:
        refused = rig.create(make_job(**change))
        assert refused.status_code == 400
        assert refused.json()["code"] == 1201
        assert refused.json()["message"].startswith(f"{field}: ")
        assert "data" not in refused.json()
        assert rig.stats()["generated"] == 0


def test_truncated_image_is_refused():
    with provider() as rig:
        refused = rig.create(make_job(scene_image=picture()[:400]))
        assert (refused.status_code, refused.json()["code"]) == (400, 1201)
        assert refused.json()["message"].startswith("scene_image: must be a whole, undamaged image")


def test_body_that_is_not_json_is_refused():
    with provider() as rig:
        refused = rig.client.post(PATH, content=b"{", headers=sign())
        assert (refused.status_code, refused.json()["code"]) == (400, 1200)


def test_external_id_stays_used_after_a_failure():
    with provider() as rig:
        rig.set_faults(fail_tasks=1)
        first = rig.create(make_job(external_task_id="once")).json()["data"]["task_id"]
        rig.wait_for(first, "failed")
        refused = rig.create(make_job(external_task_id="once"))
        assert (refused.status_code, refused.json()["code"]) == (400, 1201)
        assert refused.json()["message"] == "External_task_id once already exists"
        assert rig.stats()["by_external_id"] == {"once": 1}


def test_missing_task_has_the_providers_message():
    with provider() as rig:
        missing = rig.get(f"{PATH}/no/such")
        assert (missing.status_code, missing.json()["code"]) == (400, 1201)
        assert missing.json()["message"] == "Task not found by id/external id: no/such"


def test_running_task_holds_n_slots_until_its_end():
    with provider(max_slots=3, task_seconds=60) as rig:
        assert rig.create(make_job(n=2)).status_code == 200
        refused = rig.create(make_job(n=2, external_task_id="later"))
        assert (refused.status_code, refused.json()["code"]) == (429, 1303)
        assert rig.create(make_job(n=1)).status_code == 200
        assert rig.stats()["refused"] == 1
        # The refusal cost nothing: the id is free once there is room.
        rig.set_faults(max_slots=9, task_seconds=0)
        later = rig.create(make_job(n=2, external_task_id="later"))
        rig.wait_for(later.json()["data"]["task_id"], "succeed")
        rig.set_faults(max_slots=4, task_seconds=0)
        assert rig.create(make_job(n=1)).status_code == 200


def test_list_is_paged_newest_first():
    with provider(task_seconds=60) as rig:
        ids = [rig.create(make_job()).json()["data"]["task_id"] for _ in range(3)]
        listed = rig.get(PATH).json()["data"]
        assert [task["task_id"] for task in listed] == ids[::-1]
        page = rig.get(f"{PATH}?pageNum=2&pageSize=2").json()["data"]
        assert [task["task_id"] for task in page] == ids[:1]
        refused = rig.get(f"{PATH}?pageSize=501")
        assert (refused.status_code, refused.json()["code"]) == (400, 1201)


@pytest.mark.parametrize(("method", "path"), [("PUT", PATH), ("GET", "/v1/images/other"), ("DELETE", f"{PATH}/1")])
def test_wrong_method_or_route_is_1202(method, path):
    with provider() as rig:
        refused = rig.client.request(method, path, headers=sign())
        assert (refused.status_code, refused.json()["code"]) == (404, 1202)
        assert refused.json()["request_id"]


def _claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    return {"iss": ACCESS_KEY, "exp": now + 1800, "nbf": now - 5} | changes


def _bearer(claims: dict[str, object], key: str = SECRET_KEY) -> str:
    return f"Bearer {jwt.encode(claims, key, algorithm='HS256')}"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, 1001),
        ("  ", 1001),
        ("Basic abc", 1002),
        ("Bearer", 1002),
        ("Bearer a.b.c", 1002),
        ("Bearer some-other-key", 1000),
        (_bearer(_claims(), key="another-secret-key-of-32-characters"), 1000),
        (_bearer(_claims(iss="somebody")), 1000),
        (_bearer(_claims(nbf=int(time.time()) + 3600)), 1003),
        (_bearer(_claims(exp=int(time.time()) - 1)), 1004),
        (_bearer({"iss": ACCESS_KEY}), 1002),
    ],
)
def test_wrong_credentials_are_refused(header, code):
    with provider() as rig:
        refused = rig.client.get(PATH, headers={"Authorization": header} if header is not None else {})
        assert (refused.status_code, refused.json()["code"]) == (401, code)


@pytest.mark.parametrize(
    "header",
    [
        _bearer(_claims()),
        _bearer(_claims(iat=int(time.time()) + 30, exp=int(time.time()) + 3600)),
        _bearer({"iss": ACCESS_KEY, "exp": int(time.time()) + 1200}),
        "Bearer " + jwt.encode(_claims(), SECRET_KEY, algorithm="HS256", headers={"typ": None}),
        f"bearer {API_KEY}",
    ],
)
def test_credentials_as_public_clients_send_them_are_accepted(header):
    with provider() as rig:
        assert rig.client.get(PATH, headers={"Authorization": header}).status_code == 200


def test_answers_have_no_field_of_kilns_own():
    with provider() as rig:
        task_id = rig.create(make_job()).json()["data"]["task_id"]
        assert "queue_position" not in rig.found(task_id)
        [listed] = rig.get(PATH).json()["data"]
        assert "queue_position" not in listed
