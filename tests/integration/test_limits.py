"""Limits of the channel: how many tasks a caller may create a minute, how much a request may hold, who may ask."""

from __future__ import annotations

import pytest

from local.stack import TASKS_PATH
from tests.integration.client import Client, job
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded

ORIGIN = "https://studio.example"


def test_tasks_beyond_the_rate_limit_are_refused(kiln: Deployment, limited_client: Client, client: Client) -> None:
    limit = limited_client.caller.tasks_per_minute
    accepted: list[str] = []
    # The clock's minute may turn while this runs: then there are two minutes' worth.
    for number in range(2 * limit + 1):
        answer = limited_client.post(job(external_task_id=f"limited-{number}"))
        if answer.status_code != 200:
            break
        accepted.append(answer.json()["data"]["task_id"])
    assert limit <= len(accepted) <= 2 * limit
    assert (answer.status_code, answer.json()["code"]) == (429, 1302)
    assert answer.json()["message"] == f"too many requests: at most {limit} tasks may be created a minute"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    # A refusal costs nothing, and reading is not counted.
    assert [task["task_id"] for task in limited_client.list()] == accepted[::-1]
    assert_succeeded(kiln, client, client.create())
    for task_id in accepted:
        assert_succeeded(kiln, limited_client, task_id)


@pytest.mark.parametrize("mib", [6, 7, 11])
def test_body_over_the_limit_of_lambda_or_of_the_gateway_gets_413(client: Client, mib: int) -> None:
    answer = client.post(job(prompt="x" * (mib * 1024 * 1024)))
    body = answer.json()
    assert (answer.status_code, body["code"]) == (413, 1201)
    assert body["message"].startswith("body: must be at most 6 MB")
    assert "/v1/uploads" in body["message"]
    assert body["request_id"]
    assert "data" not in body
    assert client.list() == []


@pytest.mark.parametrize("path", [TASKS_PATH, f"{TASKS_PATH}/some-id", f"{TASKS_PATH}/some-id/cancel", "/v1/uploads"])
def test_preflight_request_is_allowed(client: Client, path: str) -> None:
    answer = client.http.options(
        path,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,prefer",
        },
    )
    assert answer.status_code in (200, 204), answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type", "idempotency-key", "prefer"} <= allowed
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_answers_and_refusals_have_cors_headers(client: Client) -> None:
    answers = [
        client.send("GET", TASKS_PATH, headers={"Origin": ORIGIN}),
        client.send("GET", f"{TASKS_PATH}/{'0' * 32}", headers={"Origin": ORIGIN}),
        client.send("POST", TASKS_PATH, json={}, headers={"Origin": ORIGIN}),
        client.http.get(TASKS_PATH, headers={"Origin": ORIGIN}),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 400, 401]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*", answer.text
        assert "retry-after" in answer.headers["access-control-expose-headers"].lower()
        # Keys are sent as a header, never as a cookie.
        assert "access-control-allow-credentials" not in answer.headers


def test_gateway_refusals_have_cors_headers(client: Client) -> None:
    refused = [
        client.send("GET", "/v1/no-such-thing", headers={"Origin": ORIGIN}),
        client.send("POST", TASKS_PATH, json=job(prompt="x" * (10 * 1024 * 1024)), headers={"Origin": ORIGIN}),
    ]
    assert [answer.status_code for answer in refused] == [404, 413]
    for answer in refused:
        assert answer.headers["access-control-allow-origin"] == "*", answer.text
