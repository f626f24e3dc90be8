"""Both clients, called alike, and the API that they talk to."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from kiln_client import AsyncKiln, Kiln
from tests.unit.client.played_api import KEY, URL, PlayedApi


class Blocking:
    """The client for asyncio, called as one that blocks: a loop per call, an iterator read to its end."""

    def __init__(self, make: Callable[[], AsyncKiln]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            return asyncio.run(self._call(name, given, named))

        return call

    async def _call(self, name: str, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        async with self._make() as kiln:
            answer = getattr(kiln, name)(*given, **named)
            if inspect.isawaitable(answer):
                return await answer
            assert isinstance(answer, AsyncIterator)
            return iter([each async for each in answer])


@pytest.fixture
def api() -> PlayedApi:
    return PlayedApi()


@pytest.fixture
def slept() -> list[float]:
    """The pauses that a client has asked for; none of them passes."""
    return []


@pytest.fixture(params=["sync", "async"])
def kiln(request: pytest.FixtureRequest, api: PlayedApi, slept: list[float]) -> Iterator[Any]:
    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    if request.param == "async":
        yield Blocking(lambda: AsyncKiln(URL, KEY, transport=api.transport(), sleep=sleep))
    else:
        with Kiln(URL, KEY, transport=api.transport(), sleep=slept.append) as client:
            yield client
