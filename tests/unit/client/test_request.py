"""One request: which answers are retried, and which error a refusal becomes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

import kiln_client
from kiln_client import Kiln
from tests.support.fake_api import TASKS, FakeApi, refusal
from tests.support.images import picture

PNG = picture()


def test_lost_answer_is_requested_again_with_the_same_key(kiln: Any, api: FakeApi, pauses: list[float]) -> None:
    def lost(request: httpx.Request) -> httpx.TransportError:
        api._create(request.headers["Idempotency-Key"], json.loads(request.content))
        return httpx.ReadError("the connection is gone")

    api.first = [lost, refusal(503, 5001, "down"), httpx.Response(502, text="<html>bad gateway</html>")]
    assert kiln.create(PNG).task_id == "task-1"
    sent = api.received("POST", TASKS)
    assert len(sent) == 4
    assert len({(each.headers["Idempotency-Key"], each.content) for each in sent}) == 1
    assert len(api.tasks) == 1
    assert len(pauses) == 3
    assert pauses == sorted(pauses)


def test_each_create_has_a_new_key(kiln: Any, api: FakeApi) -> None:
    assert kiln.create(PNG).task_id != kiln.create(PNG).task_id


@pytest.mark.parametrize("header", ["17", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_retry_after_sets_the_pause(kiln: Any, api: FakeApi, pauses: list[float], header: str) -> None:
    api.add("task-9")
    api.first = [refusal(429, 1302, "too many requests", Retry_After=header)]
    assert kiln.get("task-9").has_succeeded
    assert pauses == [17.0 if header == "17" else 0.0]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 1201, kiln_client.InvalidRequest),
        (401, 1000, kiln_client.AuthenticationFailed),
        (404, 1203, kiln_client.NotFound),
        (409, 1201, kiln_client.Conflict),
        (413, 1201, kiln_client.InvalidRequest),
        (422, 1201, kiln_client.InvalidRequest),
        (429, 1102, kiln_client.TooManyRequests),
    ],
)
def test_refusal_is_raised_without_retry(
    kiln: Any, api: FakeApi, pauses: list[float], status: int, code: int, kind: type[kiln_client.Refused]
) -> None:
    api.first = [refusal(status, code, "n: must be at most 9, got 10")]
    with pytest.raises(kind) as refused:
        kiln.get("task-1")
    error = refused.value
    assert (error.http_status, error.code, error.message) == (status, code, "n: must be at most 9, got 10")
    assert error.request_id == "request-1"
    assert (len(api.requests), pauses) == (1, [])


def test_long_retry_after_is_raised_at_once(kiln: Any, api: FakeApi, pauses: list[float]) -> None:
    api.first = [refusal(429, 1302, "too many requests", Retry_After="3600")]
    with pytest.raises(kiln_client.TooManyRequests) as refused:
        kiln.get("task-1")
    assert (refused.value.retry_after, pauses) == (3600.0, [])


def test_unreachable_api_is_raised_after_four_retries(kiln: Any, api: FakeApi, pauses: list[float]) -> None:
    api.first = [httpx.ConnectError("refused")] * 10
    with pytest.raises(kiln_client.NotReachable, match=r"https://kiln\.example"):
        kiln.get("task-1")
    assert (len(api.requests), len(pauses)) == (5, 4)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
def test_refused_loopback_connection_is_raised_at_once(api: FakeApi, pauses: list[float], host: str) -> None:
    with Kiln(f"http://{host}", "key", transport=api.transport(), sleep=pauses.append) as kiln:
        api.first = [httpx.ConnectError("refused")]
        with pytest.raises(kiln_client.NotListening, match="refused"):
            kiln.get("task-1")
        # The first attempt may have reached the API, so it is retried, also while the API restarts.
        api.first = [httpx.ReadTimeout("slow"), *[httpx.ConnectError("refused")] * 9]
        with pytest.raises(kiln_client.NotReachable) as error:
            kiln.get("task-1")
    assert type(error.value) is kiln_client.NotReachable
    assert (len(api.requests), len(pauses)) == (6, 4)


def test_answer_that_is_not_kilns_is_refused(kiln: Any, api: FakeApi) -> None:
    api.first = [httpx.Response(200, text="<html>welcome</html>")]
    with pytest.raises(kiln_client.Refused, match="does not answer as Kiln does"):
        kiln.get("task-1")
