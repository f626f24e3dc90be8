"""Finds the caller behind an Authorization header: a JWT signed with a secret key, or a plain key."""

from __future__ import annotations

import hashlib
import hmac
import time

from pydantic import BaseModel, Field

from kiln import secrets
from kiln.contract.vocabulary import Priority
from kiln.errors import (
    AuthenticationFailed,
    AuthorizationEmpty,
    AuthorizationInvalid,
    TokenExpired,
    TokenNotYetValid,
)
from kiln.settings import CallerSettings, load

CLOCK_LEEWAY_SECONDS = 30
"""How far a caller's clock may be off (Kiln's own choice; the provider's is not known)."""

FRESH_SECONDS = 15
"""An unknown key makes Kiln read the secret again, but not more often than this: strangers must not set the bill."""

_last_fresh = 0.0


class Caller(BaseModel, defer_build=True):
    """One caller: sees only its own tasks.

    Attributes:
        name: Stable; tasks are filed under it.
        access_key: The JWT's ``iss``.
        secret_key: Signs the JWT.
        api_keys: Plain keys, accepted as ``Bearer <key>``.
        webhook_secret: ``whsec_…``; signs what is posted to this caller's ``callback_url``.
        tasks_per_minute: How many tasks it may create a minute; 0 for the installation's default.
        units_per_month: No task is created once its tasks of this month have cost so many units; 0 for no budget.
        callback_statuses: The statuses that it is notified of, unless a task says which; all if empty.
        priority: ``low`` makes all of its tasks low, whatever its requests say.
    """

    name: str = Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._-]+$")
    access_key: str = Field(default="", repr=False)
    secret_key: str = Field(default="", repr=False)
    api_keys: list[str] = Field(default_factory=list, repr=False)
    webhook_secret: str = Field(default="", repr=False)
    tasks_per_minute: int = Field(default=0, ge=0)
    units_per_month: int = Field(default=0, ge=0)
    callback_statuses: list[str] = Field(default_factory=list)
    priority: Priority = Priority.NORMAL


class Callers(BaseModel, defer_build=True):
    """The secret that lists every caller."""

    callers: list[Caller] = Field(default_factory=list)

    def identify(self, authorization: str | None) -> Caller:
        """Finds who sent an Authorization header.

        Raises:
            AuthorizationEmpty: There is none (1001).
            AuthorizationInvalid: It is not ``Bearer`` and one token (1002).
            TokenNotYetValid: The JWT's ``nbf`` lies ahead (1003).
            TokenExpired: The JWT's ``exp`` has passed (1004).
            AuthenticationFailed: No caller has this key, or the signature is wrong (1000).
        """
        if not authorization or not authorization.strip():
            raise AuthorizationEmpty("Authorization: is required, got none")
        scheme, _, token = authorization.strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or " " in token:
            raise AuthorizationInvalid("Authorization: must be 'Bearer <token>'")
        by_key = self._with_api_key(token)
        if by_key is not None:
            return by_key
        if token.count(".") != 2:
            raise AuthenticationFailed("Authorization: the key is not known")
        return self._with_jwt(token)

    def _with_api_key(self, key: str) -> Caller | None:
        # Digests are compared, every key is looked at: how long it takes tells nothing of the keys.
        digest = hashlib.sha256(key.encode()).digest()
        found = None
        for caller in self.callers:
            for known in caller.api_keys:
                if hmac.compare_digest(hashlib.sha256(known.encode()).digest(), digest):
                    found = caller
        return found

    def _with_jwt(self, token: str) -> Caller:
        import jwt  # noqa: PLC0415 - only callers that sign tokens pay for it

        try:
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except jwt.InvalidTokenError as error:
            raise AuthorizationInvalid("Authorization: the token is not a JWT") from error
        caller = next((each for each in self.callers if each.access_key and each.access_key == issuer), None)
        if caller is None or not caller.secret_key:
            raise AuthenticationFailed("Authorization: the access key is not known")
        try:
            # The provider asks for iss, exp and nbf alone. Clients add iat by their own clocks, and a jti of any kind.
            jwt.decode(
                token,
                caller.secret_key,
                algorithms=["HS256"],
                leeway=CLOCK_LEEWAY_SECONDS,
                options={
                    "require": ["iss", "exp"],
                    "verify_iat": False,
                    "verify_aud": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except jwt.ImmatureSignatureError as error:
            raise TokenNotYetValid("Authorization: the token is not valid yet (nbf)") from error
        except jwt.ExpiredSignatureError as error:
            raise TokenExpired("Authorization: the token has expired (exp)") from error
        except jwt.MissingRequiredClaimError as error:
            raise AuthorizationInvalid(f"Authorization: the token lacks {error.claim}") from error
        except jwt.InvalidSignatureError as error:
            raise AuthenticationFailed("Authorization: the token's signature is wrong") from error
        except jwt.InvalidTokenError as error:
            raise AuthenticationFailed(f"Authorization: the token is not valid: {error}") from error
        return caller


def minute_limit(caller: Caller) -> int:
    """How many tasks a caller may create a minute, by its entry or by the installation's default."""
    return caller.tasks_per_minute or load(CallerSettings).tasks_per_minute


def named(name: str) -> Caller | None:
    """The caller of this name, or ``None`` when its entry has been removed."""
    callers = secrets.read(load(CallerSettings).secret_arn, Callers).callers
    return next((caller for caller in callers if caller.name == name), None)


def identify(authorization: str | None) -> Caller:
    """Finds the caller behind an Authorization header among those in Secrets Manager.

    A new key works at once: before a refusal, Kiln reads the secret again.

    Raises:
        AuthenticationFailed: Or one of its kinds; see ``Callers.identify``.
    """
    global _last_fresh  # noqa: PLW0603 - one clock per process, as the cache it bounds
    arn = load(CallerSettings).secret_arn
    try:
        return secrets.read(arn, Callers).identify(authorization)
    except AuthenticationFailed as refusal:
        if type(refusal) is not AuthenticationFailed or time.monotonic() - _last_fresh < FRESH_SECONDS:
            raise
        _last_fresh = time.monotonic()
        return secrets.read(arn, Callers, fresh=True).identify(authorization)
