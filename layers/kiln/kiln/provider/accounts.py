"""The provider's accounts: their slots and weights, a client for each, and their webhook secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from kiln import metrics, secrets
from kiln.errors import ConfigurationError
from kiln.provider import credentials
from kiln.provider.credentials import DEFAULT_ACCOUNT
from kiln.provider.verdicts import ProviderError, Verdict
from kiln.settings import SlotSettings, load

if TYPE_CHECKING:
    from kiln.provider.client import Provider

_UNREADABLE = (ConfigurationError, BotoCoreError, ClientError)

_log = logging.getLogger(__name__)
_last_read: list[Account] = []
_failed_at = float("-inf")


@dataclass(frozen=True)
class Account:
    """One account at the provider, without its keys.

    Attributes:
        name: Its name in the provider's secret.
        slots: How many images it generates at once: for all models together, or for each model.
        weight: Its share of new tasks among accounts with free slots.
        is_draining: Whether it gets no new tasks. Its running tasks are still polled.
    """

    name: str
    slots: int | Mapping[str, int]
    weight: int = 1
    is_draining: bool = False


def accounts(*, fresh: bool = False) -> list[Account]:
    """Returns every account, in the order of the secret. A change of the secret is noticed within half a minute.

    Args:
        fresh: Ask Secrets Manager even if the process has a copy.

    Raises:
        ConfigurationError: The secret is unreadable. The message names the account and the field, and no value.
    """
    return [
        Account(
            name=each.name,
            slots=load(SlotSettings).provider_slots if each.slots is None else each.slots,
            weight=each.weight,
            is_draining=each.draining,
        )
        for each in credentials.entries(fresh=fresh)
    ]


def known_accounts(*, fresh: bool = False) -> list[Account]:
    """Returns every account of the secret as it was last readable; before that, ``default`` alone.

    Slots must be released while the secret is unreadable, so this never fails for it.

    Args:
        fresh: Ask Secrets Manager even if the process has a copy.
    """
    global _failed_at  # noqa: PLW0603 - one clock for each process, like the copy
    known = _last_read or [Account(DEFAULT_ACCOUNT, load(SlotSettings).provider_slots)]
    if time.monotonic() < _failed_at + secrets.RETRY_SECONDS and not fresh:
        return list(known)  # Each attempt may wait for a connection.
    try:
        _last_read[:] = accounts(fresh=fresh)
    except _UNREADABLE as error:
        _failed_at = time.monotonic()
        metrics.record(metrics.SECRETS_STALE)
        names = ", ".join(each.name for each in known)
        _log.warning(
            "expected the provider's secret, got: %s; mend it. Slots are counted for %s until then", error, names
        )
        return list(known)
    _failed_at = float("-inf")
    return list(_last_read)


def slots_of(account: Account, model: str) -> int:
    """Returns how many slots an account has for a model; 0 if its slots are by model and do not name this one."""
    if isinstance(account.slots, int):
        return account.slots
    return account.slots.get(model, 0)


def provider_for(name: str) -> Provider:
    """Returns the client of one account: one for each account and process, with its own connections and token.

    Raises:
        ProviderError: There is no such account, or the secret is unreadable. No call was made.
    """
    try:
        credentials.entry_of(name)
    except _UNREADABLE as error:
        raise ProviderError(Verdict.ACCOUNT, f"the provider's keys cannot be used: {error}") from error
    return _provider(name)


def webhook_secrets() -> list[str]:
    """Returns the webhook secrets of all accounts, draining ones too; an account without one has an empty string."""
    return [each.webhook_secret for each in credentials.entries()]


@cache
def _provider(name: str) -> Provider:
    # An HTTP client takes long to load, and the callback's function needs none.
    from kiln.provider.client import Provider, shared_provider  # noqa: PLC0415

    return shared_provider() if name == DEFAULT_ACCOUNT else Provider(signer=credentials.Signer(account=name))
