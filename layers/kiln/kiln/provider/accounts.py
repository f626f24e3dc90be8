"""The provider's accounts: their slots and weights, a client for each, and their webhook secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from kiln.provider import credentials
from kiln.provider.credentials import DEFAULT_ACCOUNT
from kiln.settings import SlotSettings, load

if TYPE_CHECKING:
    from kiln.provider.client import Provider


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


def slots_of(account: Account, model: str) -> int:
    """Returns how many slots an account has for a model; 0 if its slots are by model and do not name this one."""
    if isinstance(account.slots, int):
        return account.slots
    return account.slots.get(model, 0)


def provider_for(name: str) -> Provider:
    """Returns the client of one account: one for each account and process, with its own connections and token.

    Raises:
        ConfigurationError: There is no such account.
    """
    credentials.entry_of(name)
    return _provider(name)


def webhook_secrets() -> list[str]:
    """Returns the webhook secrets of all accounts, draining ones too; an account without one has an empty string."""
    return [each.webhook_secret for each in credentials.entries()]


@cache
def _provider(name: str) -> Provider:
    # An HTTP client takes long to load, and the callback's function needs none.
    from kiln.provider.client import Provider, shared_provider  # noqa: PLC0415

    return shared_provider() if name == DEFAULT_ACCOUNT else Provider(signer=credentials.Signer(account=name))
