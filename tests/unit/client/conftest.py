"""Both clients, called alike, the command line, and the API that they talk to."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kiln_cli.app import run
from kiln_client import AsyncKiln, Kiln
from tests.support.images import picture
from tests.unit.client.played_api import KEY, URL, PlayedApi

Said = Callable[..., tuple[int, str, str]]


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


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder that commands are called from: it holds ``cat.png``; address and key are in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("KILN_URL", URL)
    monkeypatch.setenv("KILN_KEY", KEY)
    Path("cat.png").write_bytes(picture())
    return tmp_path


@pytest.fixture
def command(api: PlayedApi, folder: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs the command: exit status, stdout, stderr."""
    # Every look costs half a second: here a task has ended when it is looked at.
    api.course = ("succeed",)

    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(list(arguments), transport=api.transport())
        said = capsys.readouterr()
        return status, said.out, said.err

    return call
