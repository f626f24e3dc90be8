"""The contract over API Gateway: the envelope of answers and refusals, whatever a handler does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from kiln.errors import InvalidRequest, TooManyRequests
from kiln_lambda.contract_api import ContractApi
from tests.support.fakes import LambdaContext
from tests.support.functions import sample

pytestmark = pytest.mark.usefixtures("cloud")


def resolve(api: ContractApi, **changes: Any) -> tuple[int, dict[str, Any], dict[str, Any]]:
    answer = api.resolve(sample("api-query-list", **changes), LambdaContext())
    return answer["statusCode"], json.loads(answer["body"]), answer["multiValueHeaders"]


@pytest.fixture
def api() -> ContractApi:
    return ContractApi()


def answering(api: ContractApi, make: Any) -> None:
    api.get("/v1/images/multi-image2image")(make)


def test_answer_is_wrapped_in_the_envelope(api):
    answering(api, lambda: api.answer([1, 2], headers={"X-Own": "1"}))
    status, body, headers = resolve(api)
    assert status == 200
    assert body == {"code": 0, "message": "SUCCEED", "request_id": api.request_id, "data": [1, 2]}
    assert headers["X-Own"] == ["1"]


class Part(BaseModel, defer_build=True):
    number: int


class Whole(BaseModel, defer_build=True):
    parts: list[Part]


def test_nested_models_are_wrapped(api):
    answering(api, lambda: api.answer(Whole.model_validate({"parts": [{"number": 1}]}).parts))
    status, body, _ = resolve(api)
    assert (status, body["data"]) == (200, [{"number": 1}])


def test_each_error_of_kiln_has_its_own_refusal(api):
    def refuse() -> None:
        raise InvalidRequest("n: must be at most 9, got 10")

    answering(api, refuse)
    status, body, _ = resolve(api)
    assert status == 400
    assert body == {"code": 1201, "message": "n: must be at most 9, got 10", "request_id": api.request_id}


def test_rate_limit_answer_says_when_to_retry(api):
    def refuse() -> None:
        raise TooManyRequests(5, 17)

    answering(api, refuse)
    status, body, headers = resolve(api)
    assert (status, body["code"], headers["Retry-After"]) == (429, 1302, ["17"])


@pytest.mark.parametrize("error", [RuntimeError("secret"), KeyError("secret"), UnicodeDecodeError("a", b"", 0, 1, "b")])
def test_unexpected_error_is_internal_without_details(api, error, logged):
    def fail() -> None:
        raise error

    answering(api, fail)
    status, body, _ = resolve(api)
    assert (status, body["code"], body["message"]) == (500, 5000, "internal error")
    assert "secret" not in json.dumps(body)
    assert '"level":"ERROR"' in logged.getvalue()


def test_unknown_route_is_1202(api):
    status, body, _ = resolve(api, path="/v2/" + "x" * 500)
    assert (status, body["code"]) == (404, 1202)
    assert len(body["message"]) == 200


def test_configured_url_overrides_the_requests_host(api, monkeypatch):
    seen = []
    answering(api, lambda: api.answer([seen.append(api.public_url)]))
    resolve(api)
    assert seen == ["https://kiln.test"]


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/live/v1/images/multi-image2image", "https://abc123.execute-api.us-east-1.amazonaws.com/live"),
        ("/v1/images/multi-image2image", "https://abc123.execute-api.us-east-1.amazonaws.com"),
    ],
)
def test_missing_url_falls_back_to_the_requests_host(api, monkeypatch, path, address):
    monkeypatch.setenv("PUBLIC_URL", "")
    context = sample("api-query-list")["requestContext"] | {"path": path}
    seen = []
    answering(api, lambda: api.answer([seen.append(api.public_url)]))
    resolve(api, requestContext=context)
    assert seen == [address]


def test_caller_is_read_from_the_key(api):
    seen = []
    answering(api, lambda: api.answer([seen.append(api.caller().name)]))
    resolve(api)
    assert seen == ["ada"]
