"""Result links on the network: where a connection really goes, under which name, and what a resolver can do."""

from __future__ import annotations

import os
import socket

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from kiln import addresses
from kiln.images import result_links
from kiln.images.checked_stream import CopyFailed
from kiln.images.copying import copy_image
from kiln.images.result_links import LinkRefused, guarded_http, open_link

PUBLIC = "93.184.215.14"
Sent = list[tuple[str, int]]


@pytest.fixture
def connected(monkeypatch) -> Sent:
    """Where connections went; each is refused there."""
    made: Sent = []

    def create_connection(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        made.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(urllib3.util.connection, "create_connection", create_connection)
    return made


@pytest.fixture
def pool():
    guarded_http.cache_clear()
    yield guarded_http()
    guarded_http.cache_clear()


def resolving(monkeypatch, *found: list[str]) -> list[tuple[str, int]]:
    """Has a host resolve to these addresses, one list a look-up."""
    asked: list[tuple[str, int]] = []
    answers = iter(found)

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return next(answers)

    monkeypatch.setattr(result_links, "resolve", resolve)
    return asked


@pytest.mark.parametrize(("url", "port"), [("https://cdn.test/a.png", 443), ("https://cdn.test:8443/a.png", 8443)])
def test_the_connection_goes_to_the_address_that_was_judged(monkeypatch, connected, pool, url, port):
    asked = resolving(monkeypatch, [PUBLIC])
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        open_link(url)
    assert asked == [("cdn.test", port)]
    assert connected == [(PUBLIC, port)]


@pytest.mark.parametrize("inside", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fe80::1%eth0"])
@pytest.mark.parametrize("place", [0, 1])
def test_one_internal_address_of_a_host_forbids_it(monkeypatch, connected, pool, inside, place):
    found = [PUBLIC]
    found.insert(place, inside)
    resolving(monkeypatch, found)
    with pytest.raises(LinkRefused, match="internal address"):
        open_link("https://cdn.test/a.png")
    assert connected == []


def test_a_host_that_resolves_inside_the_second_time_gains_nothing(monkeypatch, connected, pool):
    resolving(monkeypatch, [PUBLIC], ["10.0.0.1"])
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        open_link("https://cdn.test/a.png")
    with pytest.raises(LinkRefused):
        open_link("https://cdn.test/a.png")
    assert connected == [(PUBLIC, 443)]


def test_several_addresses_are_tried_under_one_name(monkeypatch, connected, pool):
    found = [f"93.184.215.{number}" for number in range(5)]
    resolving(monkeypatch, found)
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        open_link("https://cdn.test/a.png")
    assert [address for address, _ in connected] == found[:3]


def test_tls_proves_the_hosts_name_and_not_the_address(monkeypatch, pool):
    proved: list[str] = []
    here, there = socket.socketpair(socket.AF_UNIX)

    def wrap(*_: object, server_hostname: str, **__: object) -> None:
        proved.append(server_hostname)
        raise ConnectionResetError

    resolving(monkeypatch, [PUBLIC])
    monkeypatch.setattr(urllib3.util.connection, "create_connection", lambda *_, **__: here)
    monkeypatch.setattr(urllib3.connection, "ssl_wrap_socket", wrap)
    with here, there, pytest.raises(urllib3.exceptions.ProtocolError):
        open_link("https://cdn.test/a.png")
    assert proved == ["cdn.test"]


def test_the_host_header_is_the_name(monkeypatch, pool):
    monkeypatch.setenv("ALLOW_HTTP_RESULTS", "true")
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        there.sendall(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
        resolving(monkeypatch, [PUBLIC])
        monkeypatch.setattr(urllib3.util.connection, "create_connection", lambda *_, **__: here)
        assert open_link("http://cdn.test/a.png?sig=1").status == 410
        request = there.recv(1_000)
        assert request.startswith(b"GET /a.png?sig=1 HTTP/1.1\r\n")
        assert b"\r\nHost: cdn.test\r\n" in request


@pytest.mark.parametrize("inside", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1"])
def test_redirect_to_a_host_that_resolves_inside_is_not_followed(monkeypatch, pool, inside):
    monkeypatch.setenv("ALLOW_HTTP_RESULTS", "true")
    made: Sent = []
    here, there = socket.socketpair(socket.AF_UNIX)

    def create_connection(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        made.append(address)
        return here

    monkeypatch.setattr(urllib3.util.connection, "create_connection", create_connection)
    asked = resolving(monkeypatch, [PUBLIC], [inside])
    with here, there:
        there.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://inside.test/admin\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(LinkRefused, match=r"^redirect: .* internal address"):
            open_link("http://cdn.test/a.png")
    assert asked == [("cdn.test", 80), ("inside.test", 80)]
    assert made == [(PUBLIC, 80)]


@pytest.mark.parametrize("error", [socket.gaierror("no such host"), UnicodeError("label too long")])
def test_a_host_without_an_address_is_an_outage(monkeypatch, connected, pool, error):
    def resolve(*_: object) -> list[str]:
        raise error

    monkeypatch.setattr(result_links, "resolve", resolve)
    with pytest.raises(urllib3.exceptions.NameResolutionError):
        open_link("https://cdn.test/a.png")
    resolving(monkeypatch, [])
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        open_link("https://cdn.test/a.png")
    assert connected == []


def test_a_local_stack_connects_inside(monkeypatch, connected, pool):
    monkeypatch.setenv("ALLOW_HTTP_RESULTS", "true")
    monkeypatch.setenv("ALLOW_PRIVATE_RESULTS", "true")
    resolving(monkeypatch, ["127.0.0.1"])
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        open_link("http://provider.test:9000/a.png")
    assert connected == [("127.0.0.1", 9000)]


def test_the_resolver_is_asked_for_what_a_connection_can_use(monkeypatch):
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (PUBLIC, 443))])
    assert addresses.resolve("cdn.test", 443) == [PUBLIC]


@settings(
    max_examples=400 if os.environ.get("CI") else 100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(
    url=some.text(max_size=30)
    | some.text(max_size=20).map(lambda rest: f"https://{rest}")
    | some.sampled_from(["https://[", "https://a:b", "https://xn--a", "https://\ud800.test/", "https://a\x00.test/"]),
    location=some.text(alphabet=some.characters(max_codepoint=255), max_size=20),
)
def test_no_link_and_no_redirect_makes_a_copy_raise_anything_else(url, location):
    def nowhere(*_: object) -> list[str]:
        raise socket.gaierror("no such host")

    class Answers:
        """The first answer redirects; no other host can be found."""

        asked = 0

        def request(self, *where: str, **how: object) -> urllib3.BaseHTTPResponse:
            self.asked += 1
            if self.asked > 1:
                return guarded_http().request(*where, **how)  # type: ignore[arg-type]
            return urllib3.HTTPResponse(b"", headers={"Location": location}, status=302)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(result_links, "resolve", nowhere)
        with pytest.raises(CopyFailed):
            copy_image("0", url, bucket="b", prefix="p", http=Answers())  # type: ignore[arg-type]
