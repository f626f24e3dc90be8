"""The control interface under ``/_control``: faults, counts, starting over. No part of the contract, needs no key."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kiln.errors import InvalidRequest
from local.provider.background import Background
from local.provider.faults import FaultBoard, Faults
from local.provider.results import ResultShelf
from local.provider.stats import Stats
from local.provider.tasks import Account


@dataclass(frozen=True)
class ControlApi:
    """Answers those who run the simulation rather than those who use the provider."""

    account: Account
    faults: FaultBoard
    stats: Stats
    shelf: ResultShelf
    background: Background

    async def replace_faults(self, request: Request) -> Response:
        """``POST /_control/faults``: these faults and no others; ``{}`` clears them."""
        try:
            faults = Faults.parse(await request.body())
        except InvalidRequest as error:
            return JSONResponse({"message": error.message}, status_code=400)
        self.faults.replace(faults)
        return self._in_force()

    async def show_faults(self, request: Request) -> Response:  # noqa: ARG002 - every route is given its request
        """``GET /_control/faults``."""
        return self._in_force()

    async def show_stats(self, request: Request) -> Response:  # noqa: ARG002 - every route is given its request
        """``GET /_control/stats``."""
        return JSONResponse({**self.stats.as_answer(), "struck": self.faults.struck})

    async def finish(self, request: Request) -> Response:  # noqa: ARG002 - every route is given its request
        """``POST /_control/finish``: what is being generated now ends now, however long it was to take."""
        self.account.finish()
        return self._in_force()

    async def reset(self, request: Request) -> Response:  # noqa: ARG002 - every route is given its request
        """``POST /_control/reset``: forgets tasks, results, counts and faults."""
        await self.background.stop()
        self.account.forget()
        self.shelf.clear()
        self.stats.reset()
        self.faults.replace(Faults())
        return self._in_force()

    def _in_force(self) -> Response:
        return JSONResponse(self.faults.now.model_dump(exclude_unset=True))
