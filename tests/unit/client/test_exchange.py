"""A call and its retries: what is asked for again, what is not, and what a refusal is raised as."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

import kiln_client
from kiln_client import Kiln
from tests.support.images import picture
from tests.unit.client.played_api import TASKS, PlayedApi, refusal

PNG = picture()


def test_a_lost_answer_is_asked_for_again_and_pays_once(kiln: Any, api: PlayedApi, slept: list[float]) -> None:
    def lost(request: httpx.Request) -> httpx.TransportError:
        api._create(request.headers["Idempotency-Key"], json.loads(request.content))
        return httpx.ReadError("the connection is gone")

    api.first = [lost, refusal(503, 5001, "down"), httpx.Response(502, text="<html>bad gateway</html>")]
    assert kiln.create(PNG).task_id == "task-1"
    sent = api.asked("POST", TASKS)
    assert len(sent) == 4
    assert len({(each.headers["Idempotency-Key"], each.content) for each in sent}) == 1
    assert len(api.tasks) == 1
    assert len(slept) == 3
    assert slept == sorted(slept)


def test_every_task_has_a_key_of_its_own(kiln: Any, api: PlayedApi) -> None:
    assert kiln.create(PNG).task_id != kiln.create(PNG).task_id


@pytest.mark.parametrize("header", ["17", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_retry_after_is_honoured(kiln: Any, api: PlayedApi, slept: list[float], header: str) -> None:
    api.add("task-9")
    api.first = [refusal(429, 1302, "too many requests", Retry_After=header)]
    assert kiln.get("task-9").has_succeeded
    assert slept == [17.0 if header == "17" else 0.0]


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
def test_a_refusal_is_raised_at_once(
    kiln: Any, api: PlayedApi, slept: list[float], status: int, code: int, kind: type[kiln_client.Refused]
) -> None:
    api.first = [refusal(status, code, "n: must be at most 9, got 10")]
    with pytest.raises(kind) as refused:
        kiln.get("task-1")
    error = refused.value
    assert (error.http_status, error.code, error.message) == (status, code, "n: must be at most 9, got 10")
    assert error.request_id == "request-1"
    assert (len(api.requests), slept) == (1, [])


def test_nobody_waits_an_hour_for_the_next_attempt(kiln: Any, api: PlayedApi, slept: list[float]) -> None:
    api.first = [refusal(429, 1302, "too many requests", Retry_After="3600")]
    with pytest.raises(kiln_client.TooManyRequests) as refused:
        kiln.get("task-1")
    assert (refused.value.retry_after, slept) == (3600.0, [])


def test_attempts_come_to_an_end(kiln: Any, api: PlayedApi, slept: list[float]) -> None:
    api.first = [httpx.ConnectError("refused")] * 10
    with pytest.raises(kiln_client.NotReachable, match=r"https://kiln\.example"):
        kiln.get("task-1")
    assert (len(api.requests), len(slept)) == (5, 4)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
def test_nobody_waits_for_whom_this_computer_does_not_run(api: PlayedApi, slept: list[float], host: str) -> None:
    with Kiln(f"http://{host}", "key", transport=api.transport(), sleep=slept.append) as kiln:
        api.first = [httpx.ConnectError("refused")]
        with pytest.raises(kiln_client.NotListening, match="refused"):
            kiln.get("task-1")
        # What has been sent may have come to something: it is asked for again, also while the API starts anew.
        api.first = [httpx.ReadTimeout("slow"), *[httpx.ConnectError("refused")] * 9]
        with pytest.raises(kiln_client.NotReachable) as error:
            kiln.get("task-1")
    assert type(error.value) is kiln_client.NotReachable
    assert (len(api.requests), len(slept)) == (6, 4)


def test_something_else_than_kiln_answers(kiln: Any, api: PlayedApi) -> None:
    api.first = [httpx.Response(200, text="<html>welcome</html>")]
    with pytest.raises(kiln_client.Refused, match="does not answer as Kiln does"):
        kiln.get("task-1")
