"""The provider's client over a played transport: what it sends, what it makes of every answer, and its limits."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from kiln.contract.vocabulary import TaskStatus
from kiln.provider import Provider, ProviderError, ProviderTask, Verdict
from kiln.provider.client import shared_provider
from kiln.settings import ProviderSettings
from tests.support.provider import TABLE, TASK, Answers, CountingSigner, answering, provider, raising
from tests.support.slow_network import SlowNetwork

PATH = "/v1/images/multi-image2image"


def verdicts(answers: Answers, **limits: float) -> tuple[Verdict, Verdict]:
    """The results of a create and a query."""
    with pytest.raises(ProviderError) as created:
        provider(answers, **limits).create({"n": 1})
    with pytest.raises(ProviderError) as queried:
        provider(answers, **limits).query("7")
    return created.value.verdict, queried.value.verdict


def test_create_is_posted_as_json_with_a_token():
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, str(request.url)) == ("POST", f"https://provider.test{PATH}")
        assert request.headers["Authorization"] == "Bearer token-1"
        assert request.headers["Content-Type"] == "application/json"
        assert json.loads(request.content) == {"prompt": "猫", "n": 2}
        return httpx.Response(200, json={"code": 0, "data": TASK})

    assert provider(answer).create({"prompt": "猫", "n": 2}) == ProviderTask("p-1", TaskStatus.SUBMITTED, "submitted")


@pytest.mark.parametrize(
    ("either_id", "path"),
    [
        ("829", "829"),
        ("mine/7", "mine%2F7"),
        ("../../etc", "..%2F..%2Fetc"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("猫", "%E7%8C%AB"),
        ("50%", "50%25"),
    ],
)
def test_id_of_any_characters_is_one_path_segment(either_id, path):
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.raw_path == f"{PATH}/{path}".encode()
        return httpx.Response(200, json={"code": 0, "data": TASK})

    assert provider(answer).query(either_id).task_id == "p-1"


def test_a_finished_task_has_its_images_in_order():
    images = [{"index": 1, "url": "https://b", "watermark_url": "https://w"}, {"index": 0, "url": "https://a"}]
    data = {**TASK, "task_status": "succeed", "final_unit_deduction": "32", "task_result": {"images": images}}
    task = provider(answering(data=data)).query("p-1")
    assert [(image.index, image.url) for image in task.images] == [(0, "https://a"), (1, "https://b")]
    assert task.final_unit_deduction == "32"
    assert "https://a" not in repr(task)


@pytest.mark.parametrize(
    "nulls",
    [
        {"task_status_msg": None, "final_unit_deduction": None, "task_result": None, "task_info": None},
        {"task_result": {}},
        {"task_result": {"images": None}},
        {"task_result": {"images": []}},
    ],
)
def test_null_is_read_as_missing(nulls):
    task = provider(answering(data={**TASK, **nulls})).query("p-1")
    assert task.images == []
    assert task.task_status_msg == ""


@pytest.mark.parametrize(("http_status", "code", "create", "query"), TABLE, ids=[f"{c[0]}-{c[1]}" for c in TABLE])
def test_every_refusal_has_its_verdict(http_status, code, create, query):
    assert verdicts(answering(http_status, code=code, message="words")) == (create, query)


def test_refusal_has_its_code_and_a_shortened_reason():
    with pytest.raises(ProviderError) as refused:
        provider(answering(400, code=1301, message="m" * 600)).create({})
    assert refused.value.code == 1301
    assert refused.value.reason == "m" * 500


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"code": 0, "data"',
        b"[" * 200_000,
        {},
        {"code": None, "data": TASK},
        {"code": []},
        {"code": 0},
        {"code": 0, "data": None},
        {"code": 0, "data": []},
        {"code": 0, "data": "p-1"},
        {"code": 0, "data": {**TASK, "task_id": None, "task_status": None}},
    ],
)
@pytest.mark.parametrize("status", [200, 502])
def test_unreadable_answer_leaves_a_create_in_doubt(status, body):
    assert verdicts(answering(status, body)) == (Verdict.UNKNOWN, Verdict.RETRY)


def test_a_created_task_needs_no_status_and_an_unknown_one_is_no_doubt():
    for status in (None, "warming_up"):
        task = provider(answering(data={**TASK, "task_status": status})).create({"n": 1})
        assert (task.task_id, task.status) == ("p-1", None)


def test_an_unknown_status_is_an_answer():
    task = provider(answering(data={**TASK, "task_status": "warming_up"})).query("p-1")
    assert (task.status, task.status_word) == (None, "warming_up")


def test_a_code_in_a_string_and_ids_as_numbers_are_read():
    task = provider(answering(code="0", data=[{**TASK, "task_id": 829}])).query("829")
    assert task.task_id == "829"


def test_an_answer_about_another_task_is_not_believed():
    other = {**TASK, "task_id": "1", "task_info": {"external_task_id": "x"}, "task_status": "succeed"}
    calls = provider(answering(data=other))
    with pytest.raises(ProviderError, match="an answer about another task") as queried:
        calls.query("p-1", "mine")
    with pytest.raises(ProviderError, match="an answer about another task") as created:
        calls.create({"external_task_id": "mine"})
    assert (queried.value.verdict, created.value.verdict) == (Verdict.RETRY, Verdict.UNKNOWN)


def test_http_429_that_is_not_the_providers_means_wait():
    assert verdicts(answering(429, b"slow down")) == (Verdict.WAIT, Verdict.WAIT)


@pytest.mark.parametrize("status", [301, 302, 307])
def test_redirects_are_not_followed(status):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"Location": "https://elsewhere.test"})

    assert verdicts(answer) == (Verdict.UNKNOWN, Verdict.RETRY)
    assert all(url.startswith("https://provider.test/") for url in asked)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.RemoteProtocolError("cut"),
        httpx.DecodingError("gzip"),
    ],
)
def test_broken_connection_leaves_a_create_in_doubt(error):
    assert verdicts(raising(error)) == (Verdict.UNKNOWN, Verdict.RETRY)


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("full"), httpx.ProxyError("no")],
)
def test_unsent_request_is_retried(error):
    assert verdicts(raising(error)) == (Verdict.RETRY, Verdict.RETRY)


class Dripping(httpx.SyncByteStream):
    """A body that comes in many pieces."""

    def __init__(self, piece: bytes, pieces: int) -> None:
        self._piece = piece
        self._pieces = pieces
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self._pieces):
            self.taken += 1
            yield self._piece


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\nX: ", *[b"a"] * 100, b"\r\n\r\n"],
        [*[b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 100, b"HTTP/1.1 200 OK\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n\r\n", *[b" "] * 100],
    ],
)
def test_answer_dripping_beyond_the_deadline_is_aborted(monkeypatch, answer):
    network = SlowNetwork(monkeypatch, answer, seconds=1)
    settings = ProviderSettings(url="https://provider.test", secret_arn="unused")
    calls = Provider(settings, CountingSigner())
    with pytest.raises(ProviderError, match="no answer: ReadTimeout") as created:
        calls.create({"n": 1})
    assert (created.value.verdict, network.now) == (Verdict.UNKNOWN, 1_025)
    with pytest.raises(ProviderError, match="no answer: ReadTimeout") as queried:
        calls.query("7")
    assert (queried.value.verdict, network.now) == (Verdict.RETRY, 1_050)


def test_reused_connection_gives_the_next_call_a_new_deadline(monkeypatch):
    body = json.dumps({"code": 0, "data": TASK}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    network = SlowNetwork(monkeypatch, [answer] * 3, seconds=10)
    calls = Provider(
        ProviderSettings(url="http://provider.test", secret_arn="unused", connect_seconds=11, total_seconds=31),
        CountingSigner(),
    )
    for _ in range(3):
        assert calls.query("7").task_id == "p-1"
    assert len(network.allowed("connect")) == 1


def test_endless_answer_is_aborted_at_4_mib():
    body = Dripping(b" " * 1024 * 1024, 1_000)
    answers = lambda _: httpx.Response(200, stream=body)  # noqa: E731
    assert verdicts(answers) == (Verdict.UNKNOWN, Verdict.RETRY)
    assert body.taken == 10


def test_malformed_tasks_of_a_page_are_skipped():
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.query == b"pageNum=2&pageSize=5"
        return httpx.Response(200, json={"code": 0, "data": [TASK, {"video": 1}, None, "x"]})

    assert [task.task_id for task in provider(answer).query_list(2, 5)] == ["p-1"]


@pytest.mark.parametrize("data", [None, {}, {"task_status": "submitted"}])
def test_page_that_is_not_a_list_is_empty(data):
    assert provider(answering(data=data)).query_list() == []


@pytest.mark.usefixtures("cloud")
def test_client_of_the_environment_is_built_once():
    assert shared_provider() is shared_provider()
