"""A request has one deadline: it ends on time, wherever the connection drips."""

from __future__ import annotations

import httpx
import pytest

from kiln.request_deadline import DeadlineTransport
from tests.support.slow_network import SlowNetwork

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
DRIPPING_HEADER = [b"HTTP/1.1 200 OK\r\nX: ", *[b"a"] * 100, b"\r\nContent-Length: 0\r\n\r\n"]
ENDLESS_INTERIM = [b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 100 + [HEAD, b"ok"]
DRIPPING_BODY = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"a"] * 100]


def client(seconds: float = 15.0, **limits: float) -> httpx.Client:
    return httpx.Client(transport=DeadlineTransport(seconds), timeout=httpx.Timeout(15.0, **limits))


@pytest.mark.parametrize("answer", [DRIPPING_HEADER, ENDLESS_INTERIM, DRIPPING_BODY])
def test_dripping_answer_is_aborted_at_the_deadline(monkeypatch, answer):
    network = SlowNetwork(monkeypatch, answer, seconds=2)
    with client() as http, pytest.raises(httpx.ReadTimeout):
        http.get("http://slow.test/")
    assert network.now == 1_015


def test_endless_fast_answer_is_aborted_at_the_deadline(monkeypatch):
    """Nothing is ever waited for: it is the looking that must end it."""
    network = SlowNetwork(monkeypatch, ENDLESS_INTERIM, seconds=1)
    with client() as http, pytest.raises(httpx.ReadTimeout):
        http.get("http://slow.test/")
    assert network.allowed("read")[-1] == 1


def test_each_step_gets_the_remaining_time(monkeypatch):
    network = SlowNetwork(monkeypatch, [HEAD, b"ok"], seconds=2.5)
    with client(connect=5) as http:
        assert http.get("https://slow.test/").text == "ok"
    assert network.steps == [("connect", 5), ("tls", 5), ("write", 10), ("read", 7.5), ("read", 5)]


@pytest.mark.parametrize(
    ("seconds", "error"),
    [
        (1.0, httpx.ConnectTimeout),
        (2.0, httpx.ConnectTimeout),
        (4.0, httpx.WriteTimeout),
        (6.5, httpx.ReadTimeout),
        (8.0, httpx.ReadTimeout),
    ],
)
def test_step_after_the_deadline_fails(monkeypatch, seconds, error):
    SlowNetwork(monkeypatch, [HEAD, b"ok"], seconds=2)
    with client(seconds) as http, pytest.raises(error):
        http.get("https://slow.test/")


def test_reused_connection_has_the_whole_time_again(monkeypatch):
    network = SlowNetwork(monkeypatch, [HEAD, b"ok", HEAD, b"ok"], seconds=3)
    with client() as http:
        for _ in range(2):
            assert http.get("http://slow.test/").text == "ok"
    assert [step for step, _ in network.steps].count("connect") == 1
    assert network.allowed("write") == [12, 15]
    assert network.allowed("read") == [9, 6, 12, 9]


def test_shorter_limit_of_one_step_is_kept(monkeypatch):
    network = SlowNetwork(monkeypatch, [HEAD, b"ok"], seconds=1)
    with client(read=2, connect=3) as http:
        http.get("http://slow.test/")
    assert (network.allowed("connect"), network.allowed("read")) == ([3], [2, 2])
