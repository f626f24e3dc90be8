"""The provider's client signs again after a refused token, and reuses an accepted one."""

from __future__ import annotations

import httpx
import pytest

from kiln.provider import Provider, ProviderError, Verdict
from kiln.provider.credentials import ProviderCredentials, Signer
from kiln.settings import ProviderSettings
from tests.support.provider import TASK, provider


@pytest.mark.parametrize("code", [1003, 1004])
def test_refused_token_is_signed_again_once(code):
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        if len(seen) == 1:
            return httpx.Response(401, json={"code": code, "message": "token"})
        return httpx.Response(200, json={"code": 0, "data": TASK})

    assert provider(answer).create({}).task_id == "p-1"
    assert seen == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("code", [1003, 1004])
def test_token_refused_twice_is_an_account_refusal(code):
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(401, json={"code": code, "message": "token"})

    with pytest.raises(ProviderError) as refused:
        provider(answer).query("7")
    assert refused.value.verdict is Verdict.ACCOUNT
    assert len(seen) == 2


@pytest.mark.parametrize("code", [1000, 1001, 1002])
def test_other_refusals_of_the_credentials_are_not_retried(code):
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(401, json={"code": code, "message": "no"})

    with pytest.raises(ProviderError):
        provider(answer).query("7")
    assert len(seen) == 1


def test_token_is_reused_by_later_calls():
    seen = set()

    def answer(request: httpx.Request) -> httpx.Response:
        seen.add(request.headers["Authorization"])
        return httpx.Response(200, json={"code": 0, "data": TASK})

    client = httpx.Client(transport=httpx.MockTransport(answer))
    signer = Signer(ProviderCredentials(access_key="ak", secret_key="s" * 32))
    calls = Provider(ProviderSettings(url="https://provider.test", secret_arn="unused"), signer, client)
    for _ in range(3):
        calls.query("7")
    assert len(seen) == 1
