"""The keys of the provider's accounts, and the Authorization header that each of them signs."""

from __future__ import annotations

import time
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from kiln import secrets
from kiln.errors import ConfigurationError
from kiln.settings import ProviderSecretSettings, load

DEFAULT_ACCOUNT = "default"
"""The name of the account whose keys are the secret's own pair."""

CACHE_SECONDS = 30
"""How long a warm function may miss a new, changed or removed account."""

_LIFETIME_SECONDS = 1_800
_NOT_BEFORE_SECONDS = 5
_SKEWED_NOT_BEFORE_SECONDS = 300
"""For a provider that has refused a token: its clock may be behind ours, and would refuse the next one too."""

_RENEW_SECONDS = 300

_asked_at = float("-inf")

_MUST_BE = {
    "name": "must be 1 to 64 letters, digits, dots, dashes or underscores",
    "slots": "must be a number from 1 to 1000, or an object with a number for each model",
    "weight": "must be a number from 1 to 100",
    "draining": "must be true or false",
    "accounts": "must be a list",
}


class ProviderCredentials(BaseModel, defer_build=True):
    """The keys of one account: either ``api_key``, or ``access_key`` and ``secret_key``.

    Attributes:
        webhook_secret: ``whsec_…``, if the account has one: its callbacks are then signed (provider).
    """

    access_key: str = Field(default="", repr=False)
    secret_key: str = Field(default="", repr=False)
    api_key: str = Field(default="", repr=False)
    webhook_secret: str = Field(default="", repr=False)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, given: Any) -> Any:
        return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given

    @property
    def is_complete(self) -> bool:
        """Whether there are keys to sign with."""
        return bool(self.api_key or (self.access_key and self.secret_key))


class AccountEntry(ProviderCredentials, defer_build=True):
    """One account in the secret's list.

    Attributes:
        slots: For all models together, or for each model; ``None`` for the parameter ``ProviderSlots``.
        weight: Its share of new tasks among accounts with free slots.
        draining: Whether it gets no new tasks. Its running tasks are still polled.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    slots: (
        Annotated[int, Field(strict=True, ge=1, le=1_000)]
        | Annotated[dict[str, Annotated[int, Field(strict=True, ge=0, le=1_000)]], Field(min_length=1)]
        | None
    ) = None
    weight: int = Field(default=1, strict=True, ge=1, le=100)
    draining: bool = Field(default=False, strict=True)


class _Secret(ProviderCredentials, defer_build=True):
    accounts: list[AccountEntry] = Field(default_factory=list)


def entries(*, fresh: bool = False) -> list[AccountEntry]:
    """Returns every account in the provider's secret, draining ones too.

    Args:
        fresh: Ask Secrets Manager even if the process has a copy.

    Raises:
        ConfigurationError: The secret is unreadable. The message names the account and the field, and no value.
    """
    global _asked_at  # noqa: PLW0603 - one clock for each process, like the copy that it limits
    arn, now = load(ProviderSecretSettings).secret_arn, time.monotonic()
    is_fresh = fresh or now >= _asked_at + CACHE_SECONDS
    if is_fresh:
        _asked_at = now
    # `parsed` checks it, because its messages name accounts.
    document = secrets.read_any(arn, fresh=is_fresh)
    try:
        return parsed(document)
    except ConfigurationError as error:
        raise ConfigurationError(f"secret {arn}: {error}") from None


def parsed(document: Any) -> list[AccountEntry]:
    """Returns the accounts of a secret's JSON. The secret's own pair of keys is the first, ``default``.

    Raises:
        ConfigurationError: Something is wrong. The message names the account and the field, and no value.
    """
    try:
        secret = _Secret.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(_complaint(document, error)) from None
    accounts = secret.accounts
    if secret.is_complete or not accounts:
        pair = secret.model_dump(exclude={"accounts"})
        accounts = [AccountEntry(name=DEFAULT_ACCOUNT, **pair), *accounts]
    names = [each.name for each in accounts]
    for each in secret.accounts:
        if names.count(each.name) > 1:
            raise ConfigurationError(f"account {each.name}: name must be used once")
        if not each.is_complete:
            raise ConfigurationError(f"account {each.name}: api_key, or access_key and secret_key, must not be empty")
    return accounts


def entry_of(name: str, *, fresh: bool = False) -> AccountEntry:
    """Returns the entry of one account. Before it says that there is none, it asks Secrets Manager.

    Raises:
        ConfigurationError: There is no such account, or the secret is unreadable.
    """
    for is_fresh in (True,) if fresh else (False, True):
        for entry in entries(fresh=is_fresh):
            if entry.name == name:
                return entry
    raise ConfigurationError(
        f"the provider's secret has no account {name}; "
        "to let its tasks end, add it again with its keys and drain it (kiln provider-keys)"
    )


class Signer:
    """Makes the Authorization header of one account. It is made once, and again near its end or with new keys.

    Args:
        credentials: The account's keys; read from the secret if omitted.
        account: The account's name in the secret.
    """

    def __init__(self, credentials: ProviderCredentials | None = None, account: str = DEFAULT_ACCOUNT) -> None:
        self._given = credentials
        self._account = account
        self._signed_with: ProviderCredentials | None = None
        self._header = ""
        self._expires_at = 0.0

    def authorization(self, *, renew: bool = False) -> str:
        """Returns the header's value.

        Args:
            renew: Read the credentials and sign again, because the last header was refused.

        Raises:
            ConfigurationError: The account is not in the secret, or the secret is unreadable.
        """
        now = time.time()
        credentials = self._given or entry_of(self._account, fresh=renew)
        if renew or credentials != self._signed_with or now > self._expires_at - _RENEW_SECONDS:
            not_before = _SKEWED_NOT_BEFORE_SECONDS if renew else _NOT_BEFORE_SECONDS
            self._header = f"Bearer {credentials.api_key or _signed(credentials, int(now), not_before)}"
            self._expires_at = now + _LIFETIME_SECONDS
            self._signed_with = credentials
        return self._header


def _complaint(document: Any, error: ValidationError) -> str:
    """The first fault in words, without any value but the account's name."""
    place = list(error.errors(include_url=False, include_input=False)[0]["loc"])
    if place[:1] == ["accounts"] and len(place) > 1:
        field = str(place[2]) if len(place) > 2 else "entry"
        owner = f"account {_name_at(document, place[1])}: "
    else:
        field, owner = str(place[0]) if place else "content", ""
    must_be = "must be a JSON object" if field in {"entry", "content"} else _MUST_BE.get(field, "must be a string")
    return f"{owner}{field} {must_be}"


def _name_at(document: Any, position: int | str) -> str:
    """The name of an entry, or its number if the name itself is wrong."""
    entry = document["accounts"][position]
    name = entry.get("name") if isinstance(entry, dict) else None
    is_name = isinstance(name, str) and name.isprintable() and 0 < len(name) <= 64
    return str(name) if is_name else f"number {int(position) + 1}"


def _signed(credentials: ProviderCredentials, now: int, not_before: int) -> str:
    import jwt  # noqa: PLC0415 - an account with an API key does not need it

    claims = {"iss": credentials.access_key, "exp": now + _LIFETIME_SECONDS, "nbf": now - not_before}
    return jwt.encode(claims, credentials.secret_key, algorithm="HS256", headers={"typ": "JWT"})
