"""Checks whether the provider accepts each account's keys: one free call, with the client that dispatches tasks."""

from __future__ import annotations

from pydantic import BaseModel, Field

from kiln.errors import ConfigurationError
from kiln.provider import Provider, ProviderError, credentials
from kiln.settings import ProviderSettings, load


class AccountCheck(BaseModel):
    """The provider's answer to one account's keys.

    Attributes:
        name: The account.
        accepted: Whether the provider answers with its keys.
        is_draining: Whether the account gets no new tasks.
        reason: Why not, otherwise empty.
    """

    name: str
    accepted: bool
    is_draining: bool = False
    reason: str = ""


class ProviderCheck(BaseModel):
    """The provider's answer to the keys of all accounts.

    Attributes:
        accepted: Whether it answers with the keys of every account.
        provider_url: The address that was asked.
        reason: Why not, otherwise empty.
        accounts: Its answer to each account, in the order of the secret; empty if the secret is unreadable.
    """

    accepted: bool
    provider_url: str
    reason: str = ""
    accounts: list[AccountCheck] = Field(default_factory=list)


def check(*, provider: Provider | None = None) -> ProviderCheck:
    """Asks the provider for one page of each account's tasks, with the keys that are in the secret now.

    Args:
        provider: Asked for every account, instead of a new client for each.
    """
    settings = load(ProviderSettings)
    try:
        entries = credentials.entries(fresh=True)
    except ConfigurationError as error:
        return ProviderCheck(accepted=False, provider_url=settings.url, reason=str(error))
    checked = [_checked(each, provider or Provider(settings, credentials.Signer(each))) for each in entries]
    refusals = [each.reason if len(checked) == 1 else f"{each.name}: {each.reason}" for each in checked if each.reason]
    return ProviderCheck(accepted=not refusals, provider_url=settings.url, reason="; ".join(refusals), accounts=checked)


def _checked(entry: credentials.AccountEntry, provider: Provider) -> AccountCheck:
    found = AccountCheck(name=entry.name, accepted=True, is_draining=entry.draining)
    try:
        provider.query_list(page_size=1)
    except (ProviderError, ConfigurationError) as error:
        return found.model_copy(update={"accepted": False, "reason": str(error)})
    return found
