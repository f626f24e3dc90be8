"""Signing: the vendor's JWT, made once and used until near its end; a plain key; replaced credentials."""

from __future__ import annotations

import time

import jwt
import pytest

from kiln.provider.credentials import ProviderCredentials, Signer
from tests.support.account import put_secret

SECRET_KEY = "provider-secret-key-of-32-characters"


def opened(authorization: str, key: str = SECRET_KEY) -> dict[str, object]:
    token = authorization.removeprefix("Bearer ")
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    claims: dict[str, object] = jwt.decode(token, key, algorithms=["HS256"])
    return claims


def test_token_has_the_vendors_claims():
    before = int(time.time())
    claims = opened(Signer(ProviderCredentials(access_key="ak", secret_key=SECRET_KEY)).authorization())
    assert set(claims) == {"iss", "exp", "nbf"}
    assert claims["iss"] == "ak"
    assert before + 1_800 <= claims["exp"] <= before + 1_802
    assert claims["nbf"] == claims["exp"] - 1_805


def test_token_is_used_until_five_minutes_before_its_end(monkeypatch):
    signer = Signer(ProviderCredentials(access_key="ak", secret_key=SECRET_KEY))
    now = time.time()
    first = signer.authorization()
    monkeypatch.setattr(time, "time", lambda: now + 1_499)
    assert signer.authorization() == first
    monkeypatch.setattr(time, "time", lambda: now + 1_502)
    assert signer.authorization() != first


def test_refused_token_is_signed_again_for_a_slow_clock():
    signer = Signer(ProviderCredentials(access_key="ak", secret_key=SECRET_KEY))
    signer.authorization()
    renewed = signer.authorization(renew=True)
    claims = opened(renewed)
    assert claims["nbf"] == claims["exp"] - 1_800 - 300
    # It is cached, because the provider's clock is still slow at the next call.
    assert signer.authorization() == renewed


def test_plain_key_is_sent_unchanged():
    assert Signer(ProviderCredentials(api_key="sk-plain")).authorization() == "Bearer sk-plain"


@pytest.mark.usefixtures("cloud")
def test_refused_credentials_are_read_again_from_secrets_manager():
    signer = Signer()
    first = signer.authorization()
    assert opened(first)["iss"] == "provider-access-key"
    put_secret("kiln-provider", {"access_key": "replaced", "secret_key": SECRET_KEY})
    assert signer.authorization() == first
    assert opened(signer.authorization(renew=True))["iss"] == "replaced"


def test_repr_of_credentials_shows_no_keys():
    shown = repr(ProviderCredentials(access_key="ak", secret_key=SECRET_KEY, api_key="sk-plain"))
    assert shown == "ProviderCredentials()"
