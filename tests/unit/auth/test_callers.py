"""Authentication: JWTs in all the forms that clients make, plain keys, and the code of each refusal."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest

from kiln import errors
from kiln.auth import callers
from kiln.auth.callers import Caller, Callers
from tests.support.account import put_secret

SECRET_KEY = "ada-secret-key-of-32-characters-"
CALLERS = Callers(
    callers=[
        Caller(name="ada", access_key="ada-access-key", secret_key=SECRET_KEY, api_keys=["plain", "a.key.with-dots"]),
        Caller(name="bob", access_key="bob-access-key", secret_key="bob-secret-key-of-32-characters-"),
        Caller(name="keyless", api_keys=["other-plain"]),
    ]
)


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    made = {"iss": "ada-access-key", "exp": now + 1_800, "nbf": now - 5, **changes}
    return {name: value for name, value in made.items() if value is not None}


def bearer(key: str = SECRET_KEY, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **changes) -> str:
    return "Bearer " + jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def part(content: Any) -> str:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def refusal(authorization: str | None) -> errors.AuthenticationFailed:
    with pytest.raises(errors.AuthenticationFailed) as refused:
        CALLERS.identify(authorization)
    assert refused.value.http_status == 401
    return refused.value


@pytest.mark.parametrize(
    "changes",
    [
        lambda _: {},
        lambda _: {"nbf": None},
        lambda now: {"iat": now},
        lambda now: {"iat": now + 600},  # A client's clock runs ahead; the contract says nothing of iat.
        lambda now: {"iat": now - 86_400},
        lambda now: {"exp": now + 3_600},
        lambda now: {"exp": now + 1_800.5},
        lambda _: {"aud": "kling"},
        lambda _: {"sub": 5},
        lambda _: {"jti": "1", "anything": {"a": 1}},
        lambda _: {"jti": 17},
        lambda _: {"jti": {"id": ["a"]}},
        lambda _: {"aud": 5, "sub": ["x"], "iat": "yesterday"},
        lambda now: {"exp": now - 20},  # Within the leeway.
        lambda now: {"nbf": now + 20},
    ],
)
def test_token_as_public_clients_make_it_is_accepted(changes):
    assert CALLERS.identify(bearer(**changes(int(time.time())))).name == "ada"


def test_missing_or_different_typ_header_is_accepted():
    assert CALLERS.identify(bearer(headers={"typ": None})).name == "ada"
    assert CALLERS.identify(bearer(headers={"typ": "jwt", "kid": "1"})).name == "ada"


@pytest.mark.parametrize("form", ["{}", "bearer {}", "BEARER {}", "  Bearer   {}  "])
def test_scheme_in_any_case_is_accepted(form):
    token = bearer().removeprefix("Bearer ")
    if form == "{}":
        assert refusal(token).code == 1002
    else:
        assert CALLERS.identify(form.format(token)).name == "ada"


@pytest.mark.parametrize(("key", "name"), [("plain", "ada"), ("a.key.with-dots", "ada"), ("other-plain", "keyless")])
def test_plain_key_is_accepted(key, name):
    assert CALLERS.identify(f"Bearer {key}").name == name


def test_different_keys_are_different_callers():
    token = bearer("bob-secret-key-of-32-characters-", iss="bob-access-key")
    assert CALLERS.identify(token).name == "bob"


@pytest.mark.parametrize("header", [None, "", "   "])
def test_missing_header_is_1001(header):
    assert (refusal(header).code, type(refusal(header))) == (1001, errors.AuthorizationEmpty)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Token abc",
        "plain",
        "Bearer two tokens",
        "Bearer a.b.c",
        f"Bearer {part(b'no json')}.{part({})}.x",
        f"Bearer {part({'alg': 'HS256'})}.{part([1])}.x",
        f"Bearer {part({'alg': 'HS256'})}.{part(b'no json')}.x",
        f"Bearer {part({'alg': 'HS256'})}.*.x",
    ],
)
def test_malformed_header_is_1002(header):
    assert (refusal(header).code, type(refusal(header))) == (1002, errors.AuthorizationInvalid)


def test_token_without_expiry_is_1002():
    assert refusal(bearer(exp=None)).code == 1002


def test_token_not_yet_valid_is_1003():
    assert refusal(bearer(nbf=int(time.time()) + 60)).code == 1003


@pytest.mark.parametrize("ago", [60, 100_000])
def test_expired_token_is_1004(ago):
    assert refusal(bearer(exp=int(time.time()) - ago)).code == 1004


@pytest.mark.parametrize("header", ["Bearer unknown", "Bearer 猫", "Bearer a.b", "Bearer " + "x" * 10_000])
def test_unknown_key_is_1000(header):
    assert (refusal(header).code, type(refusal(header))) == (1000, errors.AuthenticationFailed)


@pytest.mark.parametrize("issuer", [None, "", "no-such-key", "ada", 5, ["ada-access-key"], {"a": 1}])
def test_unknown_issuer_is_1000(issuer):
    payload = part({**claims(iss=None), **({} if issuer is None else {"iss": issuer})})
    assert refusal(f"Bearer {part({'alg': 'HS256'})}.{payload}.{part(b'x')}").code == 1000


def test_wrong_signature_is_1000():
    assert refusal(bearer("another-secret-key-of-32-chars--")).code == 1000
    assert refusal(bearer()[:-4] + "AAAA").code == 1000
    header, _, signature = bearer().split(".")
    assert refusal(f"{header}.{part(claims(exp=int(time.time()) + 9_999))}.{signature}").code == 1000


def test_token_without_signature_is_1000():
    for algorithm in ("none", "None", "NONE"):
        head = part({"alg": algorithm, "typ": "JWT"})
        assert refusal(f"Bearer {head}.{part(claims())}.").code == 1000
        assert refusal(f"Bearer {head}.{part(claims())}.{part(b'x')}").code == 1000


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_algorithm_other_than_hs256_is_1000(algorithm):
    assert refusal(bearer(SECRET_KEY * 2, algorithm)).code == 1000


def test_wrong_signature_is_1000_whatever_the_claims():
    assert refusal(bearer("another-secret-key-of-32-chars--", exp=1)).code == 1000


def test_empty_secret_key_verifies_no_token():
    known = Callers(callers=[Caller(name="keyless", access_key="k")])
    head, payload = part({"alg": "HS256"}), part(claims(iss="k"))
    with pytest.raises(errors.AuthenticationFailed):
        known.identify(f"Bearer {head}.{payload}.{part(b'x')}")
    with pytest.raises(errors.AuthenticationFailed):
        known.identify(f"Bearer {head}.{part(claims(iss=''))}.{part(b'x')}")


def test_refusals_and_reprs_hold_no_secrets():
    assert "plain" not in repr(CALLERS)
    assert SECRET_KEY not in repr(CALLERS)
    assert "no-such-key" not in refusal("Bearer no-such-key").message


@pytest.mark.usefixtures("cloud")
def test_secret_in_secrets_manager_names_the_callers():
    assert callers.identify("Bearer ada-plain-key").name == "ada"
    assert callers.named("bob") is not None
    assert callers.named("carol") is None


@pytest.mark.usefixtures("cloud")
def test_key_added_to_the_secret_is_accepted_at_once():
    assert callers.identify("Bearer ada-plain-key").name == "ada"
    put_secret("kiln-callers", {"callers": [{"name": "carol", "api_keys": ["new"]}]})
    assert callers.identify("Bearer new").name == "carol"


@pytest.mark.usefixtures("cloud")
def test_repeated_unknown_keys_read_the_secret_once():
    put_secret("kiln-callers", {"callers": []})
    for _ in range(2):
        with pytest.raises(errors.AuthenticationFailed):
            callers.identify("Bearer stranger")
    put_secret("kiln-callers", {"callers": [{"name": "carol", "api_keys": ["new"]}]})
    with pytest.raises(errors.AuthenticationFailed):
        callers.identify("Bearer new")  # The last reading is not 15 seconds old.


@pytest.mark.usefixtures("cloud")
def test_expired_token_does_not_read_the_secret_again(monkeypatch):
    expired = bearer(exp=1)
    with pytest.raises(errors.TokenExpired):
        callers.identify(expired)
    assert callers._last_fresh == float("-inf")
