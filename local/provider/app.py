"""Puts the simulated provider together: one Starlette application with the contract, the results and the control."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kiln.errors import KilnError
from local.provider.background import Background
from local.provider.callbacks import CallbackSender
from local.provider.contract_api import ContractApi
from local.provider.control import ControlApi
from local.provider.envelope import ProviderError, code_of, refusal
from local.provider.faults import FaultBoard
from local.provider.life import Studio
from local.provider.results import ResultsApi, ResultShelf
from local.provider.settings import ProviderSettings
from local.provider.stats import Stats
from local.provider.tasks import Account

logger = logging.getLogger(__name__)

_CONTRACT_PATH = "/v1/images/multi-image2image"
# Pools of their own: a create must not wait behind the drawing of nine pictures.
_OPENERS, _PAINTERS = 2, 2


def create_app(settings: ProviderSettings, transport: httpx.AsyncBaseTransport | None = None) -> Starlette:
    """Makes the application; run its lifespan to the end, or what it runs in the background is left behind.

    Args:
        settings: The account and its behaviour.
        transport: Carries what the provider itself sends: callbacks, and the fetching of images given by URL.
    """
    account, faults, stats, background = Account(), FaultBoard(settings.seed), Stats(), Background()
    shelf = ResultShelf(settings)
    # Callers and images of the embedded default are on this machine: no proxy from the environment.
    http = httpx.AsyncClient(transport=transport, trust_env=False)
    openers = ThreadPoolExecutor(_OPENERS, thread_name_prefix="opener")
    painters = ThreadPoolExecutor(_PAINTERS, thread_name_prefix="painter")
    callbacks = CallbackSender(settings, faults, stats, http, background)
    studio = Studio(settings, account, faults, callbacks, shelf, background, painters)
    contract = ContractApi(settings, account, faults, stats, studio, http, openers)
    control = ControlApi(account, faults, stats, shelf, background)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await background.stop()
        await http.aclose()
        openers.shutdown(cancel_futures=True)
        painters.shutdown(cancel_futures=True)
        shelf.clear()

    async def refuse(_: Request, error: Exception) -> Response:
        refused = error if isinstance(error, KilnError) else ProviderError(1202)
        if code_of(refused) in (1302, 1303):
            stats.refused += 1
        return refusal(refused)

    app = Starlette(
        routes=[
            Route(_CONTRACT_PATH, contract.create, methods=["POST"]),
            Route(_CONTRACT_PATH, contract.list_tasks, methods=["GET"]),
            Route(f"{_CONTRACT_PATH}/{{either_id:path}}", contract.query, methods=["GET"]),
            Route("/results/{name}", ResultsApi(shelf, faults).read, methods=["GET"]),
            Route("/_control/faults", control.replace_faults, methods=["POST"]),
            Route("/_control/faults", control.show_faults, methods=["GET"]),
            Route("/_control/stats", control.show_stats, methods=["GET"]),
            Route("/_control/finish", control.finish, methods=["POST"]),
            Route("/_control/reset", control.reset, methods=["POST"]),
            Route("/_control/health", _health, methods=["GET"]),
        ],
        exception_handlers={KilnError: refuse, HTTPException: refuse, Exception: _broken},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _broken(_: Request, error: Exception) -> Response:
    logger.error("the simulation itself failed", exc_info=error)
    return refusal(ProviderError(5000))
