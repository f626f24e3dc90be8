"""The submit function: the create call, uploads, cancelling and retrying over API Gateway."""

from __future__ import annotations

import base64
import gzip
import json
import time

import pytest

from kiln.tasks.store import TaskStore
from tests.support.functions import call, function, sample, with_headers
from tests.support.images import in_base64, picture
from tests.support.samples import add_task, create_body

REQUEST_ID = "8a6c2f0e-3f0b-4c57-9d3c-3f2f5a1b7c11"


def create(body: object = None, **headers: str | None):
    event = sample("api-create") if body is None else sample("api-create", body=json.dumps(body))
    return call("submit", with_headers(event, **headers))


def test_create_is_answered_with_the_contracts_fields(accepted):
    status, body, headers = create()
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert set(body) == {"code", "message", "request_id", "data"}
    assert (body["code"], body["message"], body["request_id"]) == (0, "SUCCEED", REQUEST_ID)
    data = body["data"]
    assert set(data) == {"task_id", "task_info", "task_status", "created_at", "updated_at"}
    assert data["task_info"] == {"external_task_id": "order-7"}
    assert data["task_status"] == "submitted"
    assert data["created_at"] == data["updated_at"]
    task = TaskStore().get(data["task_id"])
    assert (task.caller, task.prompt, task.n) == ("ada", "A cat by the harbour, 海边的猫", 2)
    assert data["task_id"] in accepted


def test_create_says_where_the_task_is_and_when_to_ask():
    _, body, headers = create()
    assert headers["Location"] == f"https://kiln.test/v1/images/multi-image2image/{body['data']['task_id']}"
    assert headers["Retry-After"] == "5"


def test_body_encoded_by_the_gateway_is_decoded():
    body = base64.b64encode(json.dumps(create_body(prompt="猫")).encode()).decode()
    status, answer, _ = call("submit", sample("api-create", body=body, isBase64Encoded=True))
    assert status == 200
    assert TaskStore().get(answer["data"]["task_id"]).prompt == "猫"


@pytest.mark.parametrize("name", ["authorization", "AUTHORIZATION", "Authorization"])
def test_headers_in_any_case_are_found(name):
    event = with_headers(with_headers(sample("api-create"), Authorization=None), **{name: "Bearer ada-plain-key"})
    assert call("submit", event)[0] == 200


@pytest.mark.parametrize(
    ("authorization", "code"),
    [(None, 1001), ("", 1001), ("Basic YTpi", 1002), ("Bearer stranger", 1000), ("Bearer a.b.c", 1002)],
)
def test_unknown_key_is_refused_before_the_body_is_read(accepted, authorization, code):
    status, body, _ = create(["not even", "a request"], Authorization=authorization)
    assert (status, body["code"]) == (401, code)
    assert set(body) == {"code", "message", "request_id"}
    assert body["request_id"] == REQUEST_ID
    assert len(accepted) == 0


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ([], 1200, "body: must be a JSON object, got a list of 0"),
        (create_body(n=10), 1201, "n: must be at most 9, got 10"),
        ({}, 1201, "subject_image_list: is required, got nothing"),
    ],
)
def test_wrong_request_is_refused_with_its_fault(accepted, body, code, message):
    status, answer, _ = create(body)
    assert (status, answer["code"], answer["message"]) == (400, code, message)
    assert len(accepted) == 0


@pytest.mark.parametrize("body", [None, "", "{"])
def test_body_without_json_is_1200(body):
    status, answer, _ = call("submit", sample("api-create", body=body))
    assert (status, answer["code"]) == (400, 1200)


def test_used_external_id_is_refused_as_the_provider_does():
    create()
    status, body, _ = create()
    assert (status, body["code"], body["message"]) == (400, 1201, "External_task_id order-7 already exists")


def test_repeated_idempotency_key_gets_the_same_answer(accepted):
    first = create(Idempotency_Key='"7"')
    again = create(Idempotency_Key='"7"')
    assert again == first
    assert len(accepted) == 1
    status, body, _ = create(create_body(n=3), Idempotency_Key='"7"')
    assert (status, body["code"]) == (422, 1201)


def test_exhausted_rate_limit_says_when_to_retry(monkeypatch):
    monkeypatch.setenv("CALLER_TASKS_PER_MINUTE", "1")
    assert create(create_body())[0] == 200
    status, body, headers = create(create_body())
    assert (status, body["code"]) == (429, 1302)
    assert 1 <= int(headers["Retry-After"]) <= 60


def test_fault_is_answered_without_its_details(accepted, logged, monkeypatch):
    monkeypatch.setenv("TABLE_NAME", "a-table-that-is-not-there")
    status, body, _ = create()
    assert (status, body["code"], body["message"]) == (500, 5000, "internal error")
    assert "ResourceNotFoundException" in logged.getvalue()  # The log has them.


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/nowhere"), ("DELETE", "/v1/images/multi-image2image"), ("POST", "/")]
)
def test_other_routes_are_1202(method, path):
    status, body, _ = call("submit", sample("api-create", httpMethod=method, path=path))
    assert (status, body["code"]) == (404, 1202)
    assert path in body["message"]


def test_prefer_wait_is_applied(monkeypatch):
    monkeypatch.setattr(function("submit"), "wait_for_end", lambda task, _: TaskStore().fail(task, "why") or task)
    status, body, headers = create(Prefer="wait=5")
    assert (status, body["data"]["task_status"], body["data"]["task_status_msg"]) == (200, "failed", "why")
    assert headers["Preference-Applied"] == "wait=5"


def test_waiting_for_an_existing_task_counts_against_the_rate_limit(monkeypatch):
    monkeypatch.setenv("CALLER_TASKS_PER_MINUTE", "2")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    waited = []
    monkeypatch.setattr(function("submit"), "wait_for_end", lambda task, seconds: waited.append(seconds) or task)
    for status in (200, 200, 429):
        assert create(create_body(), Prefer="wait=5", Idempotency_Key="7")[0] == status
    assert create(create_body(), Idempotency_Key="7")[0] == 200
    # The sample's request arrived long ago, so that no time is left.
    assert waited == [0, 0]


def test_a_password_in_a_refused_callback_url_is_neither_answered_nor_logged(logged):
    status, body, _ = create(create_body(callback_url="https://ada:swordfish@caller.test/hook"))
    assert (status, body["code"]) == (400, 1201)
    assert body["message"].startswith("callback_url: must not hold a user name or a password")
    assert "swordfish" not in json.dumps(body) + logged.getvalue()


def test_upload_returns_a_form_and_a_reference(cloud):
    status, body, _ = call("submit", sample("api-upload"))
    assert status == 200
    place = body["data"]
    assert place["reference"].startswith("kiln-upload://")
    cloud.s3.put_object(Bucket="kiln-inputs", Key=place["fields"]["key"], Body=picture())
    status, body, _ = create(create_body(scene_image=place["reference"]))
    assert status == 200
    task_id = body["data"]["task_id"]
    assert TaskStore().get(task_id).inputs[1].key == f"{task_id}/scene"


def test_waiting_task_is_cancelled():
    add_task(external_task_id="order-7")
    status, body, _ = call("submit", sample("api-cancel"))
    assert (status, body["data"]["task_status"]) == (200, "failed")
    TaskStore().begin_dispatch(add_task("task-2", external_task_id="order-8").task_id)
    path = "/v1/images/multi-image2image/order-8/cancel"
    status, body, _ = call("submit", sample("api-cancel", path=path, pathParameters={"id": "order-8"}))
    assert (status, body["code"]) == (409, 1201)


def test_large_base64_images_are_accepted():
    images = [{"subject_image": in_base64(picture(2_000, 2_000))} for _ in range(4)]
    assert create({"subject_image_list": images})[0] == 200


def test_ignored_fields_are_named_in_a_header():
    _, _, headers = create(create_body(promt="A cat", **{"größe, x": 1}))
    assert headers["Kiln-Ignored-Fields"] == "promt, gr%C3%B6%C3%9Fe%2C%20x"
    _, _, headers = create(create_body(negative_prompt="", resolution="2k", seed=None))
    assert "Kiln-Ignored-Fields" not in headers


def test_header_of_ignored_fields_is_bounded():
    _, _, headers = create(create_body(**{f"{number}{'猫' * 60}": 1 for number in range(20)}))
    assert 500 < len(headers["Kiln-Ignored-Fields"]) <= 2_000


def test_ignored_fields_are_named_also_when_waiting_for_the_end(monkeypatch):
    monkeypatch.setattr(function("submit"), "wait_for_end", lambda task, _: task)
    _, _, headers = create(create_body(promt="A cat"), Prefer="wait=5")
    assert (headers["Kiln-Ignored-Fields"], headers["Preference-Applied"]) == ("promt", "wait=5")


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (gzip.compress(json.dumps(create_body()).encode()), {"Content-Encoding": "gzip"}, "got Content-Encoding gzip"),
        (b"\x1b\x00\x00", {"Content-Encoding": "br"}, "got Content-Encoding br"),
        (gzip.compress(b"{}"), {}, "got a gzip body: send it without Content-Encoding"),
        ('{"n": 1}'.encode("utf-16"), {}, "got UTF-16 or UTF-32: send it in UTF-8"),
        ('{"prompt": "caf\xe9"}'.encode("latin-1"), {}, "got an undecodable byte at character 16"),
    ],
    ids=["gzip", "brotli", "gzip without its header", "utf-16", "latin-1"],
)
@pytest.mark.parametrize("is_encoded", [True, False])
def test_body_in_another_encoding_is_named(body, headers, message, is_encoded, accepted):
    text = base64.b64encode(body).decode() if is_encoded else body.decode(errors="replace")
    event = with_headers(sample("api-create", body=text, isBase64Encoded=is_encoded), **headers)
    status, answer, _ = call("submit", event)
    assert (status, answer["code"]) == (400, 1200)
    assert message in answer["message"] or answer["message"].endswith("got byte 0xe9 at position 16")
    assert len(accepted) == 0


def test_header_of_compression_with_a_plain_body_is_harmless():
    event = with_headers(sample("api-create"), **{"Content-Encoding": "gzip"})
    assert call("submit", event)[0] == 200


ODD_IDS = ["a/b", ".", "..", "a\nb", "-", "?&=%", "猫"]


@pytest.mark.parametrize("external_task_id", ODD_IDS)
def test_task_is_cancelled_and_retried_by_an_external_id_in_the_query(external_task_id):
    create(create_body(external_task_id=external_task_id))

    def act(action: str):
        path = f"/v1/images/multi-image2image/-/{action}"
        named = {"external_task_id": external_task_id}
        return call("submit", sample("api-cancel", path=path, pathParameters={"id": "-"}, queryStringParameters=named))

    status, body, _ = act("cancel")
    assert (status, body["data"]["task_info"]) == (200, {"external_task_id": external_task_id})
    status, body, _ = act("retry")
    assert (status, body["data"]["task_status"]) == (200, "submitted")


def test_upload_counts_against_the_minute(monkeypatch):
    monkeypatch.setenv("CALLER_TASKS_PER_MINUTE", "1")
    statuses = [call("submit", sample("api-upload"))[0] for _ in range(13)]
    assert set(statuses[:6]) == {200}
    assert 429 in statuses


def batch_call(method: str, path: str, body: object = None, **headers: str | None):
    event = sample("api-create", httpMethod=method, path=path, body=None if body is None else json.dumps(body))
    parts = path.split("/")
    event["pathParameters"] = {"id": parts[3]} if len(parts) > 3 else None
    return call("query" if method == "GET" else "submit", with_headers(event, **headers))


def test_batch_is_created_found_and_cancelled(executions):
    jobs = [create_body(external_task_id="a"), create_body(n=10), create_body()]
    status, body, headers = batch_call("POST", "/v1/batches", {"jobs": jobs, "external_batch_id": "order-7"})
    assert (status, body["code"]) == (200, 0)
    data = body["data"]
    assert [each["job"] for each in data["tasks"]] == [1, 3]
    assert data["refused"] == [{"job": 2, "code": 1201, "message": "n: must be at most 9, got 10"}]
    assert headers["Location"] == f"https://kiln.test/v1/batches/{data['batch_id']}"
    for either_id in (data["batch_id"], "order-7"):
        _, found, _ = batch_call("GET", f"/v1/batches/{either_id}")
        assert found["data"]["counts"] == {
            "jobs": 3,
            "refused": 1,
            "submitted": 2,
            "processing": 0,
            "succeed": 0,
            "failed": 0,
        }
        assert [task["batch_id"] for task in found["data"]["tasks"]] == [data["batch_id"]] * 2
        assert "finished_at" not in found["data"]
    _, cancelled, _ = batch_call("POST", "/v1/batches/order-7/cancel")
    assert cancelled["data"]["counts"]["failed"] == 2
    assert batch_call("GET", "/v1/batches/unknown")[0] == 404
    assert batch_call("GET", "/v1/batches/order-7", Authorization="Bearer bob-plain-key")[1]["code"] == 1203


def test_tasks_of_a_batch_are_paged():
    _, body, _ = batch_call("POST", "/v1/batches", {"jobs": [create_body(prompt=str(each)) for each in range(3)]})
    event = sample("api-create", httpMethod="GET", path=f"/v1/batches/{body['data']['batch_id']}")
    event |= {"pathParameters": {"id": body["data"]["batch_id"]}}
    event |= {"queryStringParameters": {"pageNum": "2", "pageSize": "2"}}
    _, found, _ = call("query", event)
    assert [task["task_id"] for task in found["data"]["tasks"]] == [body["data"]["tasks"][2]["task_id"]]
