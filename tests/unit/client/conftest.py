"""Fixtures: both clients behind one interface, the command line, and a fake API."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kiln_cli.app import run
from kiln_client import AsyncKiln, Kiln
from tests.support.fake_api import KEY, URL, FakeApi
from tests.support.images import picture

Run = Callable[..., tuple[int, str, str]]


class Blocking:
    """The client for asyncio behind the blocking interface: one loop per call, an iterator is read to its end."""

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
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that a client asked for. The test does not wait for them."""
    return []


@pytest.fixture(params=["sync", "async"])
def kiln(request: pytest.FixtureRequest, api: FakeApi, pauses: list[float]) -> Iterator[Any]:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    if request.param == "async":
        yield Blocking(lambda: AsyncKiln(URL, KEY, transport=api.transport(), sleep=sleep))
    else:
        with Kiln(URL, KEY, transport=api.transport(), sleep=pauses.append) as client:
            yield client


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The current folder, with ``cat.png``; the environment has the address and the key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("KILN_URL", URL)
    monkeypatch.setenv("KILN_KEY", KEY)
    Path("cat.png").write_bytes(picture())
    return tmp_path


@pytest.fixture
def command(api: FakeApi, folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command and returns its exit status, stdout and stderr."""
    # A second look would cost half a second.
    api.stages = ("succeed",)

    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(list(arguments), transport=api.transport())
        output = capsys.readouterr()
        return status, output.out, output.err

    return call


@pytest.fixture
def watched(command: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command as if both streams were a terminal."""

    def call(*arguments: str) -> tuple[int, str, str]:
        for stream in (sys.stdout, sys.stderr):
            monkeypatch.setattr(stream, "isatty", lambda: True)
        return command(*arguments)

    return call
