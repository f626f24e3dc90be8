"""Signs requests to the provider: a JWT made once and used until near its end, or a plain API key."""

from __future__ import annotations

import time

from pydantic import BaseModel, Field

from kiln import secrets
from kiln.settings import ProviderSettings, load

_LIFETIME_SECONDS = 1_800
_NOT_BEFORE_SECONDS = 5
_SKEWED_NOT_BEFORE_SECONDS = 300
"""For a provider that has refused a token: its clock may be behind ours, and would refuse the next one too."""

_RENEW_SECONDS = 300


class ProviderCredentials(BaseModel, defer_build=True):
    """The secret with the provider's keys: either ``api_key``, or ``access_key`` and ``secret_key``.

    Attributes:
        webhook_secret: ``whsec_…``, when the account has one: callbacks are then signed (provider).
    """

    access_key: str = Field(default="", repr=False)
    secret_key: str = Field(default="", repr=False)
    api_key: str = Field(default="", repr=False)
    webhook_secret: str = Field(default="", repr=False)


class Signer:
    """Makes the Authorization header."""

    def __init__(self, credentials: ProviderCredentials | None = None) -> None:
        self._given = credentials
        self._header = ""
        self._expires_at = 0.0

    def authorization(self, *, renew: bool = False) -> str:
        """The header's value.

        Args:
            renew: Sign again and read the credentials again, as the last header was refused.
        """
        now = time.time()
        if renew or now > self._expires_at - _RENEW_SECONDS:
            credentials = self._given or secrets.read(
                load(ProviderSettings).secret_arn, ProviderCredentials, fresh=renew
            )
            not_before = _SKEWED_NOT_BEFORE_SECONDS if renew else _NOT_BEFORE_SECONDS
            self._header = f"Bearer {credentials.api_key or _signed(credentials, int(now), not_before)}"
            # An API key does not expire, but is looked at again as often, as it may have been replaced.
            self._expires_at = now + _LIFETIME_SECONDS
        return self._header


def _signed(credentials: ProviderCredentials, now: int, not_before: int) -> str:
    import jwt  # noqa: PLC0415 - who uses an API key, or only reads the secret, does not pay for it

    claims = {"iss": credentials.access_key, "exp": now + _LIFETIME_SECONDS, "nbf": now - not_before}
    return jwt.encode(claims, credentials.secret_key, algorithm="HS256", headers={"typ": "JWT"})
