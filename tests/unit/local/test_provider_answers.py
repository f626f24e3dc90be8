"""The simulated provider answers oddly where a test asks for it, and as in the contract elsewhere."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from local.provider.faults.answers import Answers, BodyChange, ImageBytesChange, merged
from tests.support.provider_rig import PATH, make_job, provider

CALLBACK = "https://caller.test/hook"


def _query(rig: Any, either_id: str) -> Any:
    return rig.get(f"{PATH}/{either_id}")


def _finished(rig: Any, n: int = 1) -> str:
    task_id: str = rig.create(make_job(n=n)).json()["data"]["task_id"]
    rig.wait_for(task_id, "succeed")
    return task_id


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        ({"no_such": 1}, "answers.no_such"),
        ({"query": {"no_such": 1}}, "answers.query.no_such"),
        ({"status": {"done": "ok"}}, "answers.status"),
        ({"query": {"when": ["done"]}}, "answers.query.when"),
        ({"query": {"times": 0}}, "answers.query.times"),
        ({"query": {"http_status": 99}}, "answers.query.http_status"),
        ({"query": {"convert": {"data": "set"}}}, "answers.query.convert"),
        ({"images": ["drop"]}, "answers.images"),
        ({"image_bytes": {"base64": "!"}}, "answers.image_bytes.base64"),
        ({"image_bytes": {"headers": {"content-length": "5"}}}, "answers.image_bytes.headers"),
        ({"image_bytes": {"headers": {"a b": "5"}}}, "answers.image_bytes.headers"),
    ],
)
def test_unknown_or_wrong_answer_is_refused_by_name(answers, name):
    with provider() as rig:
        refused = rig.client.post("/_control/faults", json={"answers": answers})
        assert refused.status_code == 400
        assert refused.json()["message"].replace("[", ".").startswith(name)
        assert rig.client.get("/_control/faults").json() == {}


def test_answers_are_shown_as_they_were_set():
    answers = {"query": {"merge": {"data": {"extra": 1}}, "times": 2}, "image_bytes": {"base64": "AAAA"}}
    with provider() as rig:
        assert rig.client.post("/_control/faults", json={"answers": answers}).json() == {"answers": answers}


def test_every_answer_is_described():
    for model in (Answers, BodyChange, ImageBytesChange):
        assert all(known.description for known in model.model_fields.values())


def test_merge_patch_follows_rfc_7396():
    assert merged({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": [4]}, "e": "f"}) == {
        "b": {"c": [4], "d": 3},
        "e": "f",
    }
    assert merged([1], {"a": {"b": None}}) == {"a": {}}


def test_status_word_is_replaced_in_answers_and_callbacks():
    with provider() as rig:
        task_id = _finished(rig)
        rig.set_faults(answers={"status": {"succeed": "SUCCEEDED", "submitted": "queued"}})
        assert rig.found(task_id)["task_status"] == "SUCCEEDED"
        assert rig.get(PATH).json()["data"][0]["task_status"] == "SUCCEEDED"
        assert rig.create(make_job(callback_url=CALLBACK)).json()["data"]["task_status"] == "queued"
        rig.until_callbacks(3)
        words = [json.loads(request.content)["task_status"] for request in rig.outside.callbacks]
        assert sorted(words) == ["SUCCEEDED", "processing", "queued"]


def test_create_answer_is_merged_and_the_task_runs():
    with provider() as rig:
        rig.set_faults(answers={"create": {"merge": {"code": "0", "data": {"task_id": None, "extra": True}}}})
        body = rig.create(make_job(external_task_id="mine")).json()
        assert body["code"] == "0"
        assert body["data"]["extra"] is True
        assert "task_id" not in body["data"]
        rig.wait_for("mine", "succeed")


def test_query_body_status_and_headers_are_replaced_a_number_of_times():
    change = {"http_status": 404, "body": {"code": 4242}, "headers": {"retry-after": "soon"}, "times": 1}
    with provider() as rig:
        task_id = _finished(rig)
        rig.set_faults(answers={"query": change})
        odd, usual = _query(rig, task_id), _query(rig, task_id)
        assert (odd.status_code, odd.json(), odd.headers["retry-after"]) == (404, {"code": 4242}, "soon")
        assert (usual.status_code, usual.json()["code"]) == (200, 0)
        rig.set_faults(answers={"query": change})
        assert _query(rig, task_id).status_code == 404


def test_query_body_null_and_text_are_sent_as_they_are():
    with provider() as rig:
        task_id = _finished(rig)
        rig.set_faults(answers={"query": {"body": None}})
        assert _query(rig, task_id).content == b"null"
        rig.set_faults(answers={"query": {"text": "{not json", "headers": {"content-type": "text/html"}}})
        odd = _query(rig, task_id)
        assert (odd.text, odd.headers["content-type"]) == ("{not json", "text/html")


def test_values_are_converted_in_place():
    convert = {
        "data": "list",
        "data.task_result": "list",
        "data.task_id": "number",
        "data.task_status": "number",
        "code": "string",
        "no.such": "list",
    }
    with provider() as rig:
        task_id = _finished(rig)
        rig.set_faults(answers={"query": {"convert": dict(reversed(convert.items()))}})
        body = _query(rig, task_id).json()
        assert body["code"] == "0"
        (data,) = body["data"]
        assert data["task_id"] == int(task_id)
        assert data["task_status"] == "succeed"
        assert len(data["task_result"][0]["images"]) == 1


def test_query_change_applies_to_the_named_statuses_only():
    with provider() as rig:
        task_id = _finished(rig)
        rig.set_faults(answers={"query": {"when": ["processing", "not_found"], "http_status": 418}})
        assert _query(rig, task_id).status_code == 200
        assert _query(rig, "unknown").status_code == 418
        rig.set_faults(answers={"query": {"http_status": 418}})
        assert _query(rig, task_id).status_code == 418
        assert _query(rig, "unknown").status_code == 400


def test_images_are_patched_left_out_and_added():
    with provider() as rig:
        task_id = _finished(rig, n=3)
        urls = [image["url"] for image in rig.found(task_id)["task_result"]["images"]]
        rig.set_faults(answers={"images": [{"index": None}, None, {"index": 0}, {"url": "/relative"}]})
        images = rig.found(task_id)["task_result"]["images"]
        assert images == [{"url": urls[0]}, {"index": 0, "url": urls[2]}, {"url": "/relative"}]


def test_image_bytes_are_replaced():
    with provider() as rig:
        (url,) = rig.image_urls(make_job())
        whole = rig.client.get(url)
        change = {"base64": base64.b64encode(b"GIF89a").decode(), "headers": {"content-type": "image/gif"}, "times": 1}
        rig.set_faults(answers={"image_bytes": change})
        odd = rig.client.get(url)
        assert (odd.content, odd.headers["content-type"]) == (b"GIF89a", "image/gif")
        assert rig.client.get(url).content == whole.content


def test_image_download_can_be_partial_gone_redirected_or_without_length():
    with provider() as rig:
        (url,) = rig.image_urls(make_job())
        whole = rig.client.get(url)
        rig.set_faults(answers={"image_bytes": {"http_status": 206, "headers": {"content-length": None}}})
        partial = rig.client.get(url)
        assert (partial.status_code, partial.content) == (206, whole.content)
        assert "content-length" not in partial.headers
        rig.set_faults(answers={"image_bytes": {"http_status": 410, "text": "Gone"}})
        assert (rig.client.get(url).status_code, rig.client.get(url).text) == (410, "Gone")
        rig.set_faults(answers={"image_bytes": {"http_status": 302, "headers": {"location": "http://127.0.0.1/x"}}})
        assert rig.client.get(url).headers["location"] == "http://127.0.0.1/x"
