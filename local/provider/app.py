"""Builds the simulated provider: one Starlette application for the contract, the results and the control API."""

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
from local.provider.api.accounts import AccountsApi, account_name
from local.provider.api.contract import ContractApi
from local.provider.api.control import ControlApi
from local.provider.api.envelope import ProviderError, code_of, refusal
from local.provider.api.result_images import ResultImagesApi
from local.provider.background import Background
from local.provider.faults.board import FaultBoards
from local.provider.images.storage import ResultStorage
from local.provider.settings import ProviderSettings
from local.provider.stats import AccountStats, Stats
from local.provider.tasks.account import Account
from local.provider.tasks.callbacks import CallbackSender
from local.provider.tasks.lifecycle import Lifecycle

logger = logging.getLogger(__name__)

_CONTRACT_PATH = "/v1/images/multi-image2image"
# Two pools: a create must not wait until nine images are drawn.
_OPENERS, _COMPOSERS = 2, 2


def create_app(settings: ProviderSettings, transport: httpx.AsyncBaseTransport | None = None) -> Starlette:
    """Makes the application; run its lifespan to the end, or background work is left behind.

    Args:
        settings: The accounts and their behaviour.
        transport: Sends callbacks and downloads input images.
    """
    names = [keys.name for keys in settings.accounts]
    faults, background = FaultBoards(names, settings.seed), Background()
    stats = Stats(by_account={name: AccountStats() for name in names})
    storage = ResultStorage(settings)
    # Callers and images are on this computer, so a proxy from the environment is ignored.
    http = httpx.AsyncClient(transport=transport, trust_env=False)
    openers = ThreadPoolExecutor(_OPENERS, thread_name_prefix="opener")
    composers = ThreadPoolExecutor(_COMPOSERS, thread_name_prefix="composer")

    def contract_of(account: Account) -> ContractApi:
        board = faults.of(account.keys.name)
        callbacks = CallbackSender(settings, account.keys.webhook_secret, board, stats, http, background)
        lifecycle = Lifecycle(settings, account, board, callbacks, storage, background, composers)
        return ContractApi(settings, account, board, stats, lifecycle, http, openers)

    accounts = [Account(keys) for keys in settings.accounts]
    contract = AccountsApi([contract_of(account) for account in accounts], stats)
    control = ControlApi(accounts, faults, stats, storage, background)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await background.stop()
        await http.aclose()
        openers.shutdown(cancel_futures=True)
        composers.shutdown(cancel_futures=True)
        storage.clear()

    async def refuse(request: Request, error: Exception) -> Response:
        refused = error if isinstance(error, KilnError) else ProviderError(1202)
        if code_of(refused) in (1302, 1303):
            stats.count_refused(account_name(request))
        return refusal(refused)

    app = Starlette(
        routes=[
            Route(_CONTRACT_PATH, contract.create, methods=["POST"]),
            Route(_CONTRACT_PATH, contract.list_tasks, methods=["GET"]),
            Route(f"{_CONTRACT_PATH}/{{either_id:path}}", contract.query, methods=["GET"]),
            Route("/results/{name}", ResultImagesApi(storage, faults).read, methods=["GET"]),
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
    logger.error("the simulation failed", exc_info=error)
    return refusal(ProviderError(5000))
