"""Checks the Authorization header as the provider does: a token signed by the account, or its plain API key."""

from __future__ import annotations

import hmac
import time
from collections.abc import Sequence
from typing import Any

import jwt

from kiln.errors import (
    AuthenticationFailed,
    AuthorizationEmpty,
    AuthorizationInvalid,
    TokenExpired,
    TokenNotYetValid,
)
from local.provider.settings import AccountKeys

# Real clients add `iat`, omit `typ` and stretch `exp`, and the provider accepts that.
# The times are compared below, by the provider's own clock.
_OPTIONS: jwt.types.Options = {
    "require": ["iss", "exp"],
    "verify_iat": False,
    "verify_aud": False,
    "verify_exp": False,
    "verify_nbf": False,
}


def account_of(header: str | None, accounts: Sequence[AccountKeys]) -> AccountKeys | None:
    """The account that a header belongs to, whether or not its signature is right; ``None`` if there is none."""
    token = (header or "").strip().partition(" ")[2].strip()
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        issuer = None
    for keys in accounts:
        if keys.access_key == issuer or (keys.api_key and hmac.compare_digest(token.encode(), keys.api_key.encode())):
            return keys
    return None


def check_authorization(header: str | None, keys: AccountKeys, *, clock_skew_s: float = 0) -> None:
    """Raises an error unless the caller has good credentials.

    Args:
        header: The ``Authorization`` header, if there is one.
        keys: The account's keys.
        clock_skew_s: How far the provider's clock is ahead.

    Raises:
        AuthenticationFailed: The key is unknown (1000), the header is empty (1001) or no Bearer token (1002),
            or the token is not valid yet (1003) or has expired (1004).
    """
    if header is None or not header.strip():
        raise AuthorizationEmpty("Authorization is empty")
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise AuthorizationInvalid("Authorization must be 'Bearer' and a token")
    if keys.api_key and hmac.compare_digest(token.encode(), keys.api_key.encode()):
        return
    _check_token(token, keys, time.time() + clock_skew_s)


def _check_token(token: str, keys: AccountKeys, now: float) -> None:
    try:
        claims = jwt.decode(token, keys.secret_key, algorithms=["HS256"], options=_OPTIONS)
    except jwt.InvalidSignatureError as error:
        raise AuthenticationFailed("Authentication failed: wrong signature") from error
    except jwt.PyJWTError as error:
        if token.count(".") != 2:
            raise AuthenticationFailed("Authentication failed: unknown API key") from error
        raise AuthorizationInvalid(f"Authorization token is invalid: {error}") from error
    if claims["iss"] != keys.access_key:
        raise AuthenticationFailed("Authentication failed: unknown access key")
    if _seconds(claims, "exp") <= int(now):
        raise TokenExpired("Authorization token has expired")
    if "nbf" in claims and _seconds(claims, "nbf") > int(now):
        raise TokenNotYetValid("Authorization token is not valid yet")


def _seconds(claims: dict[str, Any], name: str) -> int:
    try:
        return int(claims[name])
    except (TypeError, ValueError, OverflowError) as error:
        raise AuthorizationInvalid(f"Authorization token is invalid: {name} must be an integer") from error
