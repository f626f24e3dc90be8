"""The query function: one task by either id, the list, deliveries, and the links to generated images."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from kiln import clock
from kiln.contract import TaskStatus
from kiln.tasks import estimates, search
from kiln.tasks.estimates import Estimates, Measurements
from kiln.tasks.store import TaskStore
from kiln.tasks.task import DeliveryRecord
from tests.support.account import put_secret
from tests.support.functions import TASK_ID, call, function, sample, with_headers
from tests.support.samples import add_task, admit_task, make_task, stored_image

PATH = "/v1/images/multi-image2image"


def query(either_id: str, *, segment: str | None = None, **headers: str | None):
    event = sample("api-query-one", path=f"{PATH}/{segment or either_id}", pathParameters={"id": segment or either_id})
    event["requestContext"]["path"] = f"/live{event['path']}"
    return call("query", with_headers(event, **headers))


def succeeded(task_id: str = TASK_ID, **changes):
    task = add_task(task_id, **changes)
    TaskStore().succeed(task, [stored_image()], "16")


def test_task_is_answered_with_the_contracts_fields():
    succeeded(external_task_id="order-7", watermark=True)
    status, body, _ = call("query", sample("api-query-one"))
    assert (status, body["code"], body["message"]) == (200, 0, "SUCCEED")
    data = body["data"]
    assert set(data) == {
        "task_id",
        "task_info",
        "task_status",
        "task_status_msg",
        "final_unit_deduction",
        "watermark_info",
        "task_result",
        "created_at",
        "updated_at",
    }
    assert data["task_id"] == TASK_ID
    assert data["task_info"] == {"external_task_id": "order-7"}
    assert data["task_status"] == "succeed"
    assert data["watermark_info"] == {"enabled": True}
    [image] = data["task_result"]["images"]
    assert set(image) == {"index", "url"}
    assert image["url"].startswith(f"https://kiln.test/v1/results/{TASK_ID}/")


def test_either_id_finds_the_task():
    succeeded(external_task_id="order-7")
    assert query(TASK_ID) == query("order-7")


@pytest.mark.parametrize(
    ("external_task_id", "segment"),
    [("a b", "a%20b"), ("猫", "%E7%8C%AB"), ("a+b", "a+b"), ("a/b", "a%2Fb"), ("a/cancel", "a%2Fcancel")],
)
def test_external_id_of_any_characters_is_found(external_task_id, segment):
    add_task(external_task_id=external_task_id)
    status, body, _ = query(external_task_id, segment=segment)
    assert status == 200
    assert body["data"]["task_info"] == {"external_task_id": external_task_id}


def test_waiting_task_shows_its_queue_position():
    for number in range(3):
        add_task(f"task-{number}")
    assert [query(f"task-{number}")[1]["data"]["queue_position"] for number in range(3)] == [1, 2, 3]
    TaskStore().begin_dispatch("task-0")
    assert "queue_position" not in query("task-0")[1]["data"]


def test_query_that_waits_is_answered_at_the_next_change(monkeypatch):
    task = add_task()
    monkeypatch.setattr(function("query"), "wait_for_change", lambda *_: TaskStore().process(task))
    status, body, headers = query("task-1", Prefer="wait=9")
    assert (status, body["data"]["task_status"]) == (200, "processing")
    assert headers["Preference-Applied"] == "wait=9"


def test_waiting_queries_of_a_minute_are_limited(monkeypatch, one_minute):
    monkeypatch.setenv("CALLER_TASKS_PER_MINUTE", "1")
    add_task()
    # The sample's request arrived long ago, so that no time is left.
    assert query("task-1", Prefer="wait=9")[0] == 200
    status, body, headers = query("task-1", Prefer="wait=9")
    assert (status, body["code"]) == (429, 1302)
    assert "Retry-After" in headers
    assert query("task-1")[0] == 200


def test_estimate_is_beside_the_queue_position():
    add_task()
    assert "eta_seconds" not in query("task-1")[1]["data"]
    estimates._recent_of.cache_clear()
    now = clock.milliseconds()
    succeeded = make_task(
        task_status=TaskStatus.SUCCEED, slots_acquired_at=now - 30_000, collecting_at=now - 10_000, updated_at=now
    )
    Estimates().measure(Measurements(), [succeeded] * 3, [], slots=1, waiting=1)
    data = query("task-1")[1]["data"]
    assert (data["queue_position"], data["eta_seconds"]) == (1, 50)


def test_missing_task_and_another_callers_task_get_the_same_answer():
    add_task("theirs", caller="bob", external_task_id="order-7")
    for either_id in ("missing", "theirs", "order-7", "x" * 3_000):
        status, body, _ = query(either_id)
        assert (status, body["code"]) == (404, 1203)
        assert body["message"] == f"Task not found by id/external id: {either_id[:200]}"


@pytest.mark.parametrize("name", ["api-query-one", "api-query-list", "api-query-deliveries"])
def test_unknown_key_gets_no_task(name):
    status, body, _ = call("query", with_headers(sample(name), Authorization=None))
    assert (status, body["code"]) == (401, 1001)


def test_links_use_the_requests_host_when_no_url_is_configured(monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "")
    succeeded()
    _, body, _ = query(TASK_ID)
    url = body["data"]["task_result"]["images"][0]["url"]
    assert url.startswith(f"https://abc123.execute-api.us-east-1.amazonaws.com/live/v1/results/{TASK_ID}/")


def test_list_is_paged_newest_first():
    for number in range(3):
        admit_task(f"task-{number}")
    admit_task("theirs", caller="bob")
    status, body, _ = call("query", sample("api-query-list"))
    assert (status, body["code"]) == (200, 0)
    assert [task["task_id"] for task in body["data"]] == ["task-2", "task-1"]
    _, second, _ = call("query", sample("api-query-list", queryStringParameters={"pageNum": "2", "pageSize": "2"}))
    assert [task["task_id"] for task in second["data"]] == ["task-0"]
    _, whole, _ = call("query", sample("api-query-list", queryStringParameters=None))
    assert len(whole["data"]) == 3


def test_search_answers_with_prompts_and_where_to_continue(monkeypatch):
    for number, prompt in enumerate(["a cat", "a dog"], start=1):
        admit_task(f"task-{number}", prompt=prompt, created_at=number)
    monkeypatch.setattr(search, "SEARCHED_TASKS", 1)
    event = sample("api-query-list", queryStringParameters={"search": "dog"})
    _, body, headers = call("query", event)
    assert [task["prompt"] for task in body["data"]] == ["a dog"]
    assert headers["Kiln-Created-Before"] == "3"


def test_caller_without_tasks_gets_an_empty_list():
    assert call("query", sample("api-query-list"))[1]["data"] == []


def test_wrong_page_is_refused():
    status, body, _ = call("query", sample("api-query-list", queryStringParameters={"pageSize": "501"}))
    assert (status, body["code"], body["message"]) == (400, 1201, "pageSize: must be at most 500, got '501'")


def test_deliveries_are_listed_in_the_order_of_their_attempts():
    add_task(external_task_id="order-7")
    for attempt in (2, 1, 3):
        record = DeliveryRecord(
            task_status=TaskStatus.SUBMITTED, attempt=attempt, attempted_at=attempt, outcome="retry"
        )
        TaskStore().record_delivery("task-1", record)
    status, body, _ = call("query", sample("api-query-deliveries"))
    assert status == 200
    assert [record["attempt"] for record in body["data"]] == [1, 2, 3]


def test_result_link_redirects_to_the_image_without_a_key():
    succeeded()
    address = urlsplit(query(TASK_ID)[1]["data"]["task_result"]["images"][0]["url"]).path
    _, _, _, task_id, token, file = address.split("/")
    for method in ("GET", "HEAD"):
        event = sample(
            "api-result-link",
            httpMethod=method,
            path=address,
            pathParameters={"task_id": task_id, "token": token, "file": file},
        )
        status, body, headers = call("query", event)
        assert (status, body) == (302, {})
        assert "/tasks/task-1/0.png" in headers["Location"]
        assert headers["Cache-Control"] == "private, max-age=840"
        # A browser that follows the cached redirect at the last moment still has a minute to begin the download.
        assert parse_qs(urlsplit(headers["Location"]).query)["X-Amz-Expires"] == ["900"]


def test_forged_result_link_gets_404():
    succeeded()
    status, body, _ = call("query", sample("api-result-link"))
    assert (status, body["code"]) == (404, 1203)


def query_by(**parameters: str):
    return call("query", sample("api-query-list", queryStringParameters=parameters))


@pytest.mark.parametrize("external_task_id", ["order-7", "a/b", ".", "..", "a\nb", "-", "?&=%", "猫"])
def test_external_id_as_a_parameter_answers_with_the_task(external_task_id):
    admit_task("task-1", external_task_id=external_task_id)
    status, body, _ = query_by(external_task_id=external_task_id)
    assert (status, body["data"]["task_id"]) == (200, "task-1")
    assert body["data"]["queue_position"] == 1


def test_external_id_that_is_another_tasks_id_is_found_by_the_parameter():
    add_task("task-1")
    add_task("task-2", external_task_id="task-1")
    assert query("task-1")[1]["data"]["task_id"] == "task-1"
    assert query_by(external_task_id="task-1")[1]["data"]["task_id"] == "task-2"
    assert query_by(task_id="task-1")[1]["data"]["task_id"] == "task-1"


def test_unknown_external_id_is_not_found():
    add_task("task-1")
    add_task("theirs", caller="bob", external_task_id="order-7")
    for external_task_id in ("task-1", "order-7"):
        status, body, _ = query_by(external_task_id=external_task_id)
        assert (status, body["code"]) == (404, 1203)


@pytest.mark.parametrize("part", ["progress", "request", "deliveries"])
def test_parts_of_a_task_are_found_by_the_parameter(part):
    add_task("task-1", external_task_id="a/b")
    event = sample("api-query-one", path=f"{PATH}/-/{part}", pathParameters={"id": "-"})
    status, body, _ = call("query", {**event, "queryStringParameters": {"external_task_id": "a/b"}})
    assert (status, body["code"]) == (200, 0)


@pytest.mark.parametrize("page", ["1_0", "１", "1.5", "0x1", "one"])
def test_page_that_is_no_plain_number_is_refused(page):
    status, body, _ = query_by(pageNum=page)
    assert (status, body["code"]) == (400, 1201)
    assert body["message"].startswith("pageNum: must be an integer")


def test_parameters_without_effect_are_named():
    _, _, headers = query_by(status="failed", page_size="3", pageNum="1")
    assert headers["Kiln-Ignored-Fields"] == "status"
    _, _, headers = query_by(pageNum=" 1 ", task_status="failed")
    assert "Kiln-Ignored-Fields" not in headers


@pytest.mark.parametrize(("by", "named"), [("day", True), ("caller", False)])
def test_usage_is_answered_for_the_caller(by, named):
    succeeded()
    event = sample("api-query-one", path="/v1/usage", pathParameters=None, queryStringParameters={"by": by})
    event["requestContext"]["path"] = "/live/v1/usage"
    status, body, _ = call("query", event)
    [row] = body["data"]
    assert (status, row["units"], row["images"], row["tasks"], row["failures"]) == (200, "16", 1, 1, 0)
    assert ("day" in row) is named


def account_costs():
    event = sample("api-query-one", path="/account/costs", pathParameters=None)
    event["requestContext"]["path"] = "/live/account/costs"
    status, body, _ = call("query", with_headers(event, Authorization="Bearer key"))
    assert (status, body["code"], body["data"]["code"]) == (200, 0, 0)
    return body["data"]["resource_pack_subscribe_infos"]


def test_account_of_a_caller_without_a_budget_has_no_resource_pack():
    put_secret("kiln-callers", {"callers": [{"name": "ada", "api_keys": ["key"]}]})
    assert account_costs() == []


@pytest.mark.parametrize(("units", "left", "status"), [("83.5", 16.5, "online"), ("120", 0, "runOut")])
def test_account_shows_the_budget_as_a_resource_pack(stopped_clock, units, left, status):
    put_secret("kiln-callers", {"callers": [{"name": "ada", "api_keys": ["key"], "units_per_month": 100}]})
    TaskStore().succeed(add_task(), [stored_image()], units)
    [pack] = account_costs()
    assert set(pack) == {
        "resource_pack_name",
        "resource_pack_id",
        "resource_pack_type",
        "total_quantity",
        "remaining_quantity",
        "purchase_time",
        "effective_time",
        "invalid_time",
        "status",
    }
    assert (pack["total_quantity"], pack["remaining_quantity"], pack["status"]) == (100, left, status)
    assert pack["effective_time"] <= clock.milliseconds() < pack["invalid_time"]
    assert 28 <= (pack["invalid_time"] - pack["effective_time"]) / 86_400_000 <= 31
