"""Directs each request of the contract to the account whose key it has, as the provider does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from local.provider.api.authorization import account_of
from local.provider.api.contract import ContractApi
from local.provider.stats import Stats


@dataclass(frozen=True)
class AccountsApi:
    """The contract's routes over several accounts. An account sees no task and no external id of another.

    Attributes:
        contracts: The routes of each account.
        stats: Counts the create requests.
    """

    contracts: Sequence[ContractApi]
    stats: Stats

    async def create(self, request: Request) -> Response:
        """``POST /v1/images/multi-image2image``."""
        contract = self._of(request)
        self.stats.count_create(account_name(request))
        return await contract.create(request)

    async def query(self, request: Request) -> Response:
        """``GET /v1/images/multi-image2image/{id}``."""
        return await self._of(request).query(request)

    async def list_tasks(self, request: Request) -> Response:
        """``GET /v1/images/multi-image2image``."""
        return await self._of(request).list_tasks(request)

    def _of(self, request: Request) -> ContractApi:
        """The account's routes; the first account refuses a request whose key no account has."""
        keys = account_of(request.headers.get("authorization"), [each.account.keys for each in self.contracts])
        request.state.account = keys.name if keys else None
        return next((each for each in self.contracts if each.account.keys is keys), self.contracts[0])


def account_name(request: Request) -> str | None:
    """The account of a request that went through ``AccountsApi``; ``None`` for others."""
    name: str | None = getattr(request.state, "account", None)
    return name
