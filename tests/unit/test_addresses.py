"""Where Kiln may connect to: nowhere inside, in whatever spelling, and nowhere else than where was looked."""

from __future__ import annotations

import ipaddress

import httpx
import pytest

from kiln.addresses import ForbiddenAddress, check_url, is_public
from kiln.settings import WebhookSettings
from kiln.webhooks.guarded_transport import GuardedTransport, public_address

STRICT = WebhookSettings()
LOCAL = WebhookSettings(allow_http=True, allow_private=True)
PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    "url",
    [
        "https://caller.test",
        "https://caller.test:443/hook?a=1#b",
        "https://caller.test:8443/",
        f"https://{PUBLIC}/hook",
        "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hook",
        "https://例え.test/hook",
        "https://caller.test./hook",
        "https://" + "a" * 63 + ".test",
        "https://xn--fa-hia.test",
    ],
)
def test_public_https_url_is_allowed(url):
    check_url(url, STRICT)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://caller.test", "must be an https URL"),
        ("ftp://caller.test", "must be an https URL"),
        ("caller.test/hook", "must be an https URL"),
        ("https:///hook", "with a host"),
        ("https://" + "a" * 64 + ".example.com/", "labels of 1 to 63 characters"),
        ("https://hooks..example.com/x", "labels of 1 to 63 characters"),
        ("https://.example.com/", "labels of 1 to 63 characters"),
        ("https://caller.test../", "labels of 1 to 63 characters"),
        ("https://./", "labels of 1 to 63 characters"),
        ("https://user:password@caller.test", "user name or a password"),
        ("https://user@caller.test", "user name or a password"),
        ("https://caller.test:22", "port must be one of 443, 8443"),
        ("https://caller.test:99999", "must be an http"),
        ("https://[::1", "must be an http"),
        ("https://caller.test:80", "port must be one of 443, 8443"),
        ("https://caller.test:6379", "port must be one of 443, 8443"),
        ("https://caller.test:0", "port must be one of 443, 8443"),
        ("https://@caller.test", "user name or a password"),
        ("https://caller.test@127.0.0.1", "user name or a password"),
        ("file:///etc/passwd", "must be an https URL"),
        ("//caller.test/hook", "must be an https URL"),
    ],
)
def test_malformed_url_is_refused(url, reason):
    with pytest.raises(ForbiddenAddress, match=reason):
        check_url(url, STRICT)


INSIDE = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]",
    "[ff02::1]",
    # Spellings that a resolver or an HTTP client takes for the same.
    "127.0.0.1.",
    "１２７.0.0.1",
    "127。0。0。1",
    "0",
    "10.1",
    "0x7f.1",
    "017700000001",
    "0300.0250.1.1",
    "0xa9fea9fe",
    "2852039166",
    # Addresses that are not global, although they are no private network.
    "169.254.170.2",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "240.0.0.1",
    "[fe80::1%25eth0]",
    "[fec0::1]",
    "[100::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    # IPv4 wrapped: compatible, mapped, translated, 6to4, NAT64, teredo.
    "[::127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[2002:7f00:1::1]",
    "[2002:c0a8:101::]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::a00:1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
]


@pytest.mark.parametrize("host", INSIDE)
def test_private_address_in_any_spelling_is_forbidden(host):
    with pytest.raises(ForbiddenAddress, match="internal address"):
        check_url(f"https://{host}/hook", STRICT)


def test_local_stack_allows_private_addresses():
    for url in ("http://127.0.0.1:9000/hook", "https://10.0.0.1/", "http://caller.test:8080"):
        check_url(url, LOCAL)
    with pytest.raises(ForbiddenAddress, match="user name"):
        check_url("http://user@127.0.0.1", LOCAL)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address):
    assert is_public(ipaddress.ip_address(address))


def test_host_with_one_private_address_is_forbidden():
    with pytest.raises(ForbiddenAddress, match="internal address"):
        public_address("caller.test", 443, resolve=lambda *_: [PUBLIC, "10.0.0.1"])


def test_host_without_an_address_is_a_connection_error():
    def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(httpx.ConnectError, match="no address"):
        public_address("caller.test", 443, resolve=nowhere)

    def unreadable(host: str, port: int) -> list[str]:
        raise UnicodeError("label too long")

    with pytest.raises(httpx.ConnectError, match="no address"):
        public_address("caller.test", 443, resolve=unreadable)
    with pytest.raises(httpx.ConnectError, match="no address"):
        public_address("caller.test", 443, resolve=lambda *_: [])


def test_connection_uses_the_checked_address_and_the_hosts_name():
    sent = []

    def inner(request: httpx.Request) -> httpx.Response:
        sent.append((request.url.host, request.headers["Host"], request.extensions["sni_hostname"]))
        return httpx.Response(200)

    resolved = []

    def resolve(host: str, port: int) -> list[str]:
        resolved.append((host, port))
        return [PUBLIC]

    transport = GuardedTransport(httpx.MockTransport(inner), resolve)
    with httpx.Client(transport=transport) as client:
        assert client.post("https://caller.test/hook").status_code == 200
        assert client.post("https://caller.test:8443/hook").status_code == 200
    assert sent == [(PUBLIC, "caller.test", "caller.test"), (PUBLIC, "caller.test:8443", "caller.test")]
    assert resolved == [("caller.test", 443), ("caller.test", 8443)]


@pytest.mark.parametrize("host", ["faß.test", "xn--fa-hia.test"])
def test_international_host_name_is_resolved_in_its_ascii_form(host):
    """Python's own way of writing ``faß`` for the network is another name: ``fass``."""
    looked_up, proved = [], []

    def inner(request: httpx.Request) -> httpx.Response:
        proved.append(request.extensions["sni_hostname"])
        return httpx.Response(200)

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return [PUBLIC]

    with httpx.Client(transport=GuardedTransport(httpx.MockTransport(inner), resolve)) as client:
        client.post(f"https://{host}/hook")
    assert looked_up == proved == ["xn--fa-hia.test"]


def test_private_address_gets_no_request():
    def inner(request: httpx.Request) -> httpx.Response:
        raise AssertionError("it was sent")

    transport = GuardedTransport(httpx.MockTransport(inner), lambda *_: ["169.254.169.254"])
    with httpx.Client(transport=transport) as client, pytest.raises(ForbiddenAddress):
        client.post("https://caller.test/hook")


def test_name_that_turns_private_gets_no_request():
    """Rebinding: each request is judged by the addresses it goes to, and goes to no others."""
    answers = iter([[PUBLIC], ["10.0.0.1"]])
    sent = []

    def inner(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.host)
        return httpx.Response(200)

    with httpx.Client(transport=GuardedTransport(httpx.MockTransport(inner), lambda *_: next(answers))) as client:
        assert client.post("https://caller.test/hook").status_code == 200
        with pytest.raises(ForbiddenAddress):
            client.post("https://caller.test/hook")
    # Looked up once a request: what was judged is what was called.
    assert sent == [PUBLIC]


@pytest.mark.parametrize("place", range(3))
def test_one_private_address_among_many_is_forbidden(place):
    found = [PUBLIC, "8.8.8.8", "2606:4700:4700::1111"]
    found[place] = "fd00:ec2::254"
    transport = GuardedTransport(httpx.MockTransport(lambda _: httpx.Response(200)), lambda *_: found)
    with httpx.Client(transport=transport) as client, pytest.raises(ForbiddenAddress):
        client.post("https://caller.test/hook")
