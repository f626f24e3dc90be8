"""The reverse proxy forwards requests and answers unchanged, and answers itself only if it has to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from local.gateway_limits import BODY_LIMIT, EVENT_LIMIT, HEADER_LIMIT, event_bytes
from local.gateway_responses import GatewayResponse
from local.reverse_proxy import AT_ONCE, ReverseProxy
from tests.support.account import ROOT

STAGE = "http://127.0.0.1:4566/_aws/execute-api/abc/live"
Upstream = Callable[[httpx.Request], httpx.Response]


def unread(upstream: Upstream) -> Upstream:
    """The same answers as from a socket, with their bodies unread."""

    def handler(incoming: httpx.Request) -> httpx.Response:
        answer = upstream(incoming)
        stream = httpx.ByteStream(answer.read())
        return httpx.Response(answer.status_code, headers=answer.headers.raw, stream=stream)

    return handler


def ask(
    upstream: Upstream,
    request: httpx.Request,
    *,
    stage: str | None = STAGE,
    responses: dict[str, GatewayResponse] | None = None,
) -> httpx.Response:
    async def through() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.MockTransport(unread(upstream))) as inner:
            proxy = ReverseProxy(inner)
            if stage is not None:
                proxy.forward_to(stage, responses or {})
            transport = httpx.ASGITransport(proxy.app)
            async with httpx.AsyncClient(transport=transport) as outer:
                return await outer.send(request)

    return asyncio.run(through())


def request(method: str, target: str, **more: object) -> httpx.Request:
    return httpx.Request(method, f"http://127.0.0.1:8080{target}", **more)  # type: ignore[arg-type]


def never(_: httpx.Request) -> httpx.Response:
    raise AssertionError("no request should have been forwarded")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_every_method_is_forwarded_to_the_stage(method: str) -> None:
    def upstream(incoming: httpx.Request) -> httpx.Response:
        assert incoming.method == method
        assert incoming.url.host == "127.0.0.1"
        assert incoming.headers["host"] == "127.0.0.1:4566"
        return httpx.Response(201, json={"code": 0})

    answer = ask(upstream, request(method, "/v1/images"))
    assert answer.status_code == 201
    assert answer.json() == {"code": 0}


@pytest.mark.parametrize(
    "target", ["/v1/a%2Fb/%E4%BB%BB%20x", "/v1/x?pageNum=1&pageNum=2&q=%2F+a%20b", "/v1/a//b/", "/elsewhere?"]
)
def test_query_is_forwarded_unchanged_and_path_keeps_its_escapes(target: str) -> None:
    seen: list[bytes] = []

    def upstream(incoming: httpx.Request) -> httpx.Response:
        seen.append(incoming.extensions["target"])
        return httpx.Response(200)

    ask(upstream, request("GET", target))
    # The local AWS decodes a path once; the function then gets what the caller sent, as from API Gateway.
    path, question, query = target.removesuffix("?").partition("?")
    assert seen == [f"/_aws/execute-api/abc/live{path.replace('%', '%25')}{question}{query}".encode()]


def test_headers_of_one_connection_are_not_forwarded() -> None:
    def upstream(incoming: httpx.Request) -> httpx.Response:
        assert incoming.headers["authorization"] == "Bearer key"
        assert incoming.headers["x-kept"] == "yes"
        for gone in ("x-private", "te", "keep-alive", "proxy-authorization", "upgrade", "transfer-encoding"):
            assert gone not in incoming.headers
        answered = [("X-Kept", "yes"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Keep-Alive", "timeout=5")]
        return httpx.Response(200, headers=[*answered, ("Connection", "X-Gone"), ("X-Gone", "1")])

    sent = {
        "Authorization": "Bearer key",
        "Connection": "keep-alive, X-Private",
        "X-Private": "1",
        "X-Kept": "yes",
        "TE": "trailers",
        "Keep-Alive": "timeout=5",
        "Proxy-Authorization": "Basic x",
        "Upgrade": "h2c",
    }
    answer = ask(upstream, request("GET", "/v1/x", headers=sent))
    assert answer.headers["x-kept"] == "yes"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert not {"keep-alive", "x-gone", "connection"} & set(answer.headers)


def test_redirect_is_forwarded_and_not_followed() -> None:
    def upstream(_: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "http://127.0.0.1:4566/bucket/image.png?X-Amz-Signature=1"})

    answer = ask(upstream, request("GET", "/v1/x"))
    assert answer.status_code == 302
    assert answer.headers["location"] == "http://127.0.0.1:4566/bucket/image.png?X-Amz-Signature=1"


def test_head_keeps_content_length_without_a_body() -> None:
    answer = ask(lambda _: httpx.Response(200, headers={"Content-Length": "42"}), request("HEAD", "/v1/x"))
    assert answer.headers["content-length"] == "42"
    assert answer.content == b""


def test_compressed_answer_stays_compressed() -> None:
    body = b"not decoded here"

    def upstream(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "br"}, stream=httpx.ByteStream(body))

    async def through() -> list[tuple[str, str]]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(upstream)) as inner:
            proxy = ReverseProxy(inner)
            proxy.forward_to(STAGE)
            async with (
                httpx.AsyncClient(transport=httpx.ASGITransport(proxy.app)) as outer,
                outer.stream("GET", "http://127.0.0.1:8080/v1/x") as answer,
            ):
                assert b"".join([chunk async for chunk in answer.aiter_raw()]) == body
                return list(answer.headers.items())

    headers = dict(asyncio.run(through()))
    assert headers["content-encoding"] == "br"
    assert headers["content-length"] == str(len(body))


TOO_LARGE = GatewayResponse(
    413,
    '{"code": 1201, "message": "body: at most 6 MB", "request_id": "$context.requestId"}',
    {"Access-Control-Allow-Origin": "'https://studio.example'"},
)


def test_event_at_lambdas_limit_is_forwarded_whole() -> None:
    body = b"x" * (EVENT_LIMIT - 4_096)

    def upstream(incoming: httpx.Request) -> httpx.Response:
        assert incoming.headers["content-length"] == str(len(body))
        assert incoming.read() == body
        return httpx.Response(200)

    assert ask(upstream, request("POST", "/v1/x", content=body)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"x" * EVENT_LIMIT, b'"' * (EVENT_LIMIT // 2), b"\x00" * (EVENT_LIMIT // 6), b"\xff" * (EVENT_LIMIT // 3)],
    ids=["plain", "escaped quotes", "escaped controls", "no UTF-8"],
)
def test_event_over_lambdas_limit_gets_the_templates_gateway_response(body: bytes) -> None:
    answer = ask(never, request("POST", "/v1/x", content=body), responses={"REQUEST_TOO_LARGE": TOO_LARGE})
    assert answer.status_code == 413
    assert (answer.json()["code"], answer.json()["message"]) == (1201, "body: at most 6 MB")
    assert len(answer.json()["request_id"]) == 32
    assert answer.headers["access-control-allow-origin"] == "https://studio.example"


def test_size_of_an_event_is_the_size_of_the_events_that_lambda_gets() -> None:
    event = json.loads((ROOT / "events/api-create.json").read_text("utf-8"))
    headers = [(name.encode(), value.encode()) for name, value in event["headers"].items()]
    estimated = event_bytes(event["path"].encode(), headers, event["body"].encode())
    assert abs(estimated - len(json.dumps(event))) < 1_500


def test_body_over_the_gateways_limit_is_refused() -> None:
    assert ask(never, request("POST", "/v1/x", content=b"x" * (BODY_LIMIT + 1))).status_code == 413


def test_headers_over_the_gateways_limit_are_refused() -> None:
    answer = ask(never, request("GET", "/v1/x", headers={"X-Long": "x" * HEADER_LIMIT}))
    assert (answer.status_code, answer.text) == (431, "HTTP header is larger than 10240 bytes.")
    assert ask(lambda _: httpx.Response(200), request("GET", "/", headers={"X": "x" * 9_900})).status_code == 200


def test_slow_function_gets_the_gateways_timeout() -> None:
    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        raise AssertionError

    async def through() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.MockTransport(slow)) as inner:
            proxy = ReverseProxy(inner, timeout=0.05)
            proxy.forward_to(STAGE, {"INTEGRATION_TIMEOUT": GatewayResponse(504, '{"code": 5002}')})
            async with httpx.AsyncClient(transport=httpx.ASGITransport(proxy.app)) as outer:
                return await outer.send(request("GET", "/v1/x"))

    answer = asyncio.run(through())
    assert (answer.status_code, answer.json()) == (504, {"code": 5002})


def crowd(requests: list[httpx.Request], *, serving_s: float, timeout: float) -> tuple[list[int], int]:
    """Sends requests together to functions that serve each for a while: their statuses, and the most served at once."""
    open_now = most = 0

    async def serve(_: httpx.Request) -> httpx.Response:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(serving_s)
        open_now -= 1
        return httpx.Response(200, stream=httpx.ByteStream(b""))

    async def send_all() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(serve)) as inner:
            proxy = ReverseProxy(inner, timeout=timeout)
            proxy.forward_to(STAGE)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(proxy.app)) as outer:
                answers = await asyncio.gather(*map(outer.send, requests))
        return [answer.status_code for answer in answers]

    return asyncio.run(send_all()), most


@pytest.mark.parametrize("path", ["/v1/images", "/v1/callbacks/x"])
def test_crowd_is_served_a_few_at_once(path: str) -> None:
    statuses, most = crowd([request("POST", path) for _ in range(5 * AT_ONCE)], serving_s=0.01, timeout=20)
    assert set(statuses) == {200}
    assert most == AT_ONCE


def test_time_limit_begins_with_the_serving() -> None:
    statuses, _ = crowd([request("POST", "/v1/images") for _ in range(4 * AT_ONCE)], serving_s=0.3, timeout=1)
    assert set(statuses) == {200}


def test_requests_that_wait_for_a_task_hold_up_no_others() -> None:
    waiting = [request("GET", "/v1/x", headers={"Prefer": "wait=20"}) for _ in range(3 * AT_ONCE)]
    statuses, most = crowd([*waiting, request("GET", "/v1/x")], serving_s=0.1, timeout=20)
    assert set(statuses) == {200}
    assert most == 3 * AT_ONCE + 1


def test_body_over_the_limit_without_a_length_is_refused() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * (BODY_LIMIT // 10)

    assert ask(never, request("POST", "/v1/x", content=chunks())).status_code == 413


def test_too_large_body_with_expect_continue_is_refused_before_it_is_sent() -> None:
    async def untouched() -> AsyncIterator[bytes]:
        raise AssertionError("the body should not be read")
        yield b""

    headers = {"Expect": "100-continue", "Content-Length": str(BODY_LIMIT + 1)}
    assert ask(never, request("POST", "/v1/x", content=untouched(), headers=headers)).status_code == 413


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(httpx.ReadTimeout("slow"), 504, 5002), (httpx.ConnectError("refused"), 503, 5000)],
)
def test_silent_aws_is_reported_in_the_envelope(error: Exception, status: int, code: int) -> None:
    def upstream(_: httpx.Request) -> httpx.Response:
        raise error

    answer = ask(upstream, request("GET", "/v1/x"))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_request_before_the_start_is_answered_503() -> None:
    answer = ask(never, request("GET", "/v1/x"), stage=None)
    assert (answer.status_code, answer.json()["code"]) == (503, 5001)


def test_root_path_is_forwarded_too() -> None:
    seen: list[bytes] = []

    def upstream(incoming: httpx.Request) -> httpx.Response:
        seen.append(incoming.extensions["target"])
        return httpx.Response(200, text="the console")

    assert ask(upstream, request("GET", "/")).text == "the console"
    assert seen == [b"/_aws/execute-api/abc/live/"]


def test_stop_answers_open_and_later_requests_with_503() -> None:
    async def through() -> list[httpx.Response]:
        started = asyncio.Event()

        async def never_answers(_: httpx.Request) -> httpx.Response:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError

        async with httpx.AsyncClient(transport=httpx.MockTransport(never_answers)) as inner:
            proxy = ReverseProxy(inner)
            proxy.forward_to(STAGE)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(proxy.app)) as outer:
                opened = asyncio.create_task(outer.send(request("GET", "/v1/x")))
                await started.wait()
                await asyncio.to_thread(proxy.stop)
                return [await opened, await outer.send(request("GET", "/v1/x"))]

    answers = asyncio.run(through())
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, 5001), (503, 5001)]
    assert {answer.json()["message"] for answer in answers} == {"the stack is stopping"}
