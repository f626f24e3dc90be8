"""Whether the provider takes the keys in its secret: one free call, with the client that tasks are dispatched with."""

from __future__ import annotations

from pydantic import BaseModel

from kiln import secrets
from kiln.errors import ConfigurationError
from kiln.provider import Provider, ProviderError
from kiln.provider.credentials import ProviderCredentials
from kiln.settings import ProviderSettings, load


class AccountCheck(BaseModel):
    """What the provider says of the account.

    Attributes:
        accepted: Whether it answers with these keys.
        provider_url: Who was asked.
        reason: What it says otherwise.
    """

    accepted: bool
    provider_url: str
    reason: str = ""


def check(*, provider: Provider | None = None) -> AccountCheck:
    """Asks the provider for its list of tasks, with the keys that are in the secret at this moment."""
    settings = load(ProviderSettings)
    try:
        secrets.read(settings.secret_arn, ProviderCredentials, fresh=True)
        (provider or Provider(settings)).query_list(page_size=1)
    except (ProviderError, ConfigurationError) as error:
        return AccountCheck(accepted=False, provider_url=settings.url, reason=str(error))
    return AccountCheck(accepted=True, provider_url=settings.url)
