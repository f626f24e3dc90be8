"""Signing: the vendor's JWT, made once and used until near its end; a plain key; credentials that were replaced."""

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


def test_token_equals_the_vendors_example():
    before = int(time.time())
    claims = opened(Signer(ProviderCredentials(access_key="ak", secret_key=SECRET_KEY)).authorization())
    assert set(claims) == {"iss", "exp", "nbf"}
    assert claims["iss"] == "ak"
    assert before + 1_800 <= claims["exp"] <= before + 1_802
    assert claims["nbf"] == claims["exp"] - 1_805


def test_token_is_reused_until_five_minutes_before_expiry(monkeypatch):
    signer = Signer(ProviderCredentials(access_key="ak", secret_key=SECRET_KEY))
    now = time.time()
    first = signer.authorization()
    monkeypatch.setattr(time, "time", lambda: now + 1_499)
    assert signer.authorization() == first
    monkeypatch.setattr(time, "time", lambda: now + 1_502)
    assert signer.authorization() != first


def test_refused_token_is_signed_again_for_a_slower_clock():
    signer = Signer(ProviderCredentials(access_key="ak", secret_key=SECRET_KEY))
    signer.authorization()
    renewed = signer.authorization(renew=True)
    claims = opened(renewed)
    assert claims["nbf"] == claims["exp"] - 1_800 - 300
    # And kept, as the provider's clock will not have changed by the next call.
    assert signer.authorization() == renewed


def test_plain_key_is_sent_unchanged():
    assert Signer(ProviderCredentials(api_key="sk-plain")).authorization() == "Bearer sk-plain"


@pytest.mark.usefixtures("cloud")
def test_refused_credentials_are_read_from_secrets_manager_again():
    signer = Signer()
    first = signer.authorization()
    assert opened(first)["iss"] == "provider-access-key"
    put_secret("kiln-provider", {"access_key": "replaced", "secret_key": SECRET_KEY})
    assert signer.authorization() == first
    assert opened(signer.authorization(renew=True))["iss"] == "replaced"


def test_repr_of_credentials_has_no_secrets():
    shown = repr(ProviderCredentials(access_key="ak", secret_key=SECRET_KEY, api_key="sk-plain"))
    assert shown == "ProviderCredentials()"
