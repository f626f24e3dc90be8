"""The provider's three operations as in its contract: create, query one task, list tasks."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kiln.contract import CreateRequest, ListQuery, parse_create_request
from local.provider.api.authorization import check_authorization
from local.provider.api.envelope import ProviderError, refusal, success
from local.provider.api.input_images import read_images, refuse_links
from local.provider.faults.board import FaultBoard
from local.provider.faults.connection import ConnectionReset
from local.provider.images.subjects import Materials, open_materials
from local.provider.settings import ProviderSettings
from local.provider.stats import Stats
from local.provider.tasks.account import Account
from local.provider.tasks.lifecycle import Lifecycle
from local.provider.tasks.task import Order, ProviderTask

_GARBAGE = "<html><head><title>502 Bad Gateway</title></head><body>upstream said nothing</body></html>"
_WRONG_TYPE = "text/html; charset=utf-8"
_BEFORE, _AFTER = 0, 1
_REFUSES_QUERIES = (1000, 1001, 1002, 1003, 1004, 1304)
"""Account errors that concern every request; the others concern creates."""


@dataclass(frozen=True)
class ContractApi:
    """Answers the contract's requests for one account."""

    settings: ProviderSettings
    account: Account
    faults: FaultBoard
    stats: Stats
    lifecycle: Lifecycle
    http: httpx.AsyncClient
    openers: Executor

    async def create(self, request: Request) -> Response:
        """``POST /v1/images/multi-image2image``."""
        if (garbage := self._received(request)) is not None:
            return garbage
        reset = self.faults.one_of((_BEFORE, _AFTER)) if self.faults.strikes(self.faults.now.reset_rate) else None
        if reset == _BEFORE:
            return ConnectionReset()
        if self.faults.now.account_error is not None:
            raise ProviderError(self.faults.now.account_error)
        # An image has up to ten megabytes: parsing it on the event loop would delay every other request.
        wanted = await run_in_threadpool(parse_create_request, await request.body(), {})
        task = await self._accept(wanted, base_url=self.settings.public_url or str(request.base_url))
        answer: Response = success(self.faults.answers(task.order.prompt).shown(task.created()))
        if (change := self.faults.body_change("create", task.status.value, task.order.prompt)) is not None:
            answer = change.applied_to(answer)
        await asyncio.sleep(self.faults.now.hang_s)
        if reset == _AFTER:
            return ConnectionReset()
        if self.faults.strikes(self.faults.now.create_then_error):
            raise ProviderError(5002)
        return self._sent(answer)

    async def query(self, request: Request) -> Response:
        """``GET /v1/images/multi-image2image/{id}``, by task id or external task id."""
        self.stats.queries += 1
        if (garbage := self._received(request)) is not None:
            return garbage
        await asyncio.sleep(self.faults.now.hang_s)
        answer, status, prompt = self._found(request.path_params["either_id"])
        if (change := self.faults.body_change("query", status, prompt)) is not None:
            answer = change.applied_to(answer)
        return ConnectionReset() if self.faults.strikes(self.faults.now.reset_rate) else self._sent(answer)

    async def list_tasks(self, request: Request) -> Response:
        """``GET /v1/images/multi-image2image``, newest first."""
        self.stats.queries += 1
        if (garbage := self._received(request)) is not None:
            return garbage
        await asyncio.sleep(self.faults.now.hang_s)
        page = self.account.page(ListQuery.parse(request.query_params))
        found = [self.faults.answers(task.order.prompt).shown(task.found()) for task in page]
        return ConnectionReset() if self.faults.strikes(self.faults.now.reset_rate) else self._sent(success(found))

    def _found(self, either_id: str) -> tuple[Response, str, str]:
        """The answer to a query, the status of the task or ``not_found``, and the prompt of the task."""
        try:
            task = self.account.find(either_id)
        except ProviderError as error:
            return refusal(error), "not_found", ""
        found = task.found()
        images = found.task_result.images
        if images and self.faults.strikes(self.faults.now.expired_links):
            for image in images:
                image.url = self.lifecycle.storage.expired(image.url)
        answer = success(self.faults.answers(task.order.prompt).shown(found))
        return answer, found.task_status.value, task.order.prompt

    def _sent(self, answer: Response) -> Response:
        """The answer, perhaps with a wrong content type."""
        if self.faults.strikes(self.faults.now.wrong_types):
            answer.headers["content-type"] = _WRONG_TYPE
        return answer

    def _received(self, request: Request) -> Response | None:
        """Checks the credentials, then applies the faults that have no effect on any task."""
        faults = self.faults.now
        check_authorization(request.headers.get("authorization"), self.account.keys, clock_skew_s=faults.clock_skew_s)
        if faults.account_error in _REFUSES_QUERIES:
            raise ProviderError(faults.account_error)
        if self.faults.strikes(faults.throttle_rate):
            raise ProviderError(1302)
        if self.faults.strikes(faults.error_rate):
            raise ProviderError(self.faults.one_of((5000, 5001, 5002)))
        if self.faults.strikes(faults.garbage_rate):
            return PlainTextResponse(_GARBAGE, media_type="text/html")
        return None

    async def _accept(self, wanted: CreateRequest, base_url: str) -> ProviderTask:
        order = Order.of(wanted)
        # Checked before the images are downloaded, and again when the order is accepted.
        self.account.check_can_accept(order, self._max_slots())
        materials = await self._materials(wanted)
        task = self.account.accept(order, base_url.rstrip("/"), self._max_slots())
        self.stats.count_generated(order, self.account.keys.name)
        self.lifecycle.start(task, materials)
        return task

    async def _materials(self, wanted: CreateRequest) -> Materials:
        if self.faults.now.refuse_links:
            refuse_links(wanted)
        contents = await read_images(wanted, self.http)
        return await asyncio.get_running_loop().run_in_executor(self.openers, open_materials, contents)

    def _max_slots(self) -> int | dict[str, int]:
        faults = self.faults.now
        if faults.max_slots_by_model is not None:
            return faults.max_slots_by_model
        return self.settings.max_slots if faults.max_slots is None else faults.max_slots
