"""The control API under ``/_control``: faults, counts, reset. It is no part of the contract and needs no key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kiln.errors import InvalidRequest
from local.provider.background import Background
from local.provider.faults.board import FaultBoards
from local.provider.faults.settings import Faults
from local.provider.images.storage import ResultStorage
from local.provider.stats import Stats
from local.provider.tasks.account import Account


@dataclass(frozen=True)
class ControlApi:
    """Controls the simulation, for tests and for people who run it."""

    accounts: Sequence[Account]
    faults: FaultBoards
    stats: Stats
    storage: ResultStorage
    background: Background

    async def replace_faults(self, request: Request) -> Response:
        """``POST /_control/faults``: these faults and no others; ``{}`` clears all."""
        try:
            self.faults.replace(Faults.parse(await request.body()))
        except InvalidRequest as error:
            return JSONResponse({"message": error.message}, status_code=400)
        return self._in_force()

    async def show_faults(self, request: Request) -> Response:  # noqa: ARG002 - Starlette passes the request to every route
        """``GET /_control/faults``."""
        return self._in_force()

    async def show_stats(self, request: Request) -> Response:  # noqa: ARG002 - Starlette passes the request to every route
        """``GET /_control/stats``."""
        return JSONResponse({**self.stats.as_answer(), "struck": self.faults.struck})

    async def finish(self, request: Request) -> Response:  # noqa: ARG002 - Starlette passes the request to every route
        """``POST /_control/finish``: every running task ends as soon as its images are drawn."""
        for account in self.accounts:
            account.finish()
        return self._in_force()

    async def reset(self, request: Request) -> Response:  # noqa: ARG002 - Starlette passes the request to every route
        """``POST /_control/reset``: removes tasks, results, counts and faults."""
        await self.background.stop()
        for account in self.accounts:
            account.clear()
        self.storage.clear()
        self.stats.reset()
        self.faults.replace(Faults())
        return self._in_force()

    def _in_force(self) -> Response:
        return JSONResponse(self.faults.now.model_dump(exclude_unset=True))
