"""Runs the simulated provider in the test's process: small pictures, short tasks, and no socket."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import httpx
import jwt
from PIL import Image
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.provider.app import create_app
from local.provider.settings import AccountKeys, ProviderSettings

ACCESS_KEY, SECRET_KEY, API_KEY = "ak-of-the-tests", "a-secret-key-of-the-tests-32-long", "sk-plain"
PATH = "/v1/images/multi-image2image"
PATIENCE_S = 120

SETTINGS = ProviderSettings(
    access_key=ACCESS_KEY,
    secret_key=SECRET_KEY,
    api_key=API_KEY,
    task_seconds=0.02,
    pixels=20_000,
    callback_retry_s=0.01,
    seed=1,
)


def sign(keys: AccountKeys | None = None) -> dict[str, str]:
    """The header of a caller with good credentials, of the account ``default`` or another."""
    access_key, secret_key = (keys.access_key, keys.secret_key) if keys else (ACCESS_KEY, SECRET_KEY)
    claims = {"iss": access_key, "exp": int(time.time()) + 1800, "nbf": int(time.time()) - 5}
    return {"Authorization": f"Bearer {jwt.encode(claims, secret_key, algorithm='HS256')}"}


@cache
def picture_bytes(width: int = 320, height: int = 320, colour: str = "teal") -> bytes:
    """A PNG with a plain colour and something darker in the middle."""
    image = Image.new("RGB", (width, height), colour)
    image.paste("black", (width // 4, height // 4, width // 2, height // 2))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def picture(width: int = 320, height: int = 320, colour: str = "teal") -> str:
    """The same in Base64."""
    return base64.b64encode(picture_bytes(width, height, colour)).decode()


def make_job(**changes: object) -> dict[str, object]:
    """The body of a create request that is in order, except for the changes."""
    return {"prompt": "A test", "subject_image_list": [{"subject_image": picture()}]} | changes


@dataclass
class Outside:
    """The network around the provider: records callbacks, and serves images by their addresses."""

    images: dict[str, bytes] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    callbacks: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            content = self.images.get(str(request.url))
            return httpx.Response(404) if content is None else httpx.Response(200, content=content)
        self.callbacks.append(request)
        return httpx.Response(self.answers.pop(0) if self.answers else 200)


class Client:
    """Asks the application over ASGI; its loop runs while a question is open or something is waited for."""

    def __init__(self, app: ASGIApp, loop: asyncio.Runner) -> None:
        transport = httpx.ASGITransport(_ended_as_a_server_would(app), raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://provider.test", timeout=PATIENCE_S)
        self._loop = loop

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:
        return self._loop.run(self._http.request(method, path, **content))

    def get(self, path: str, **content: Any) -> httpx.Response:
        return self.request("GET", path, **content)

    def post(self, path: str, **content: Any) -> httpx.Response:
        return self.request("POST", path, **content)

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Waits for a condition, letting the provider run meanwhile."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < deadline, f"waited {PATIENCE_S} s without success until {what}"
            self._loop.run(asyncio.sleep(0.005))


def _ended_as_a_server_would(app: ASGIApp) -> ASGIApp:
    """Ends a body that the application left open, as a server does by closing the connection."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        is_open = True

        async def watched(message: Message) -> None:
            nonlocal is_open
            is_open = message.get("more_body", message["type"] == "http.response.start")
            await send(message)

        await app(scope, receive, watched)
        if is_open:
            await send({"type": "http.response.body", "body": b""})

    return served


@dataclass
class Rig:
    """A running provider and the ways to speak to it."""

    client: Client
    outside: Outside

    def create(self, job: dict[str, object]) -> httpx.Response:
        return self.client.post(PATH, json=job, headers=sign())

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path, headers=sign())

    def found(self, either_id: str) -> dict[str, Any]:
        answer = self.get(f"{PATH}/{either_id}")
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def wait_for(self, either_id: str, status: str) -> dict[str, Any]:
        self.client.until(lambda: self.found(either_id)["task_status"] == status, f"{either_id} is {status}")
        return self.found(either_id)

    def image_urls(self, job: dict[str, object]) -> list[str]:
        task_id = self.create(job).json()["data"]["task_id"]
        return [image["url"] for image in self.wait_for(task_id, "succeed")["task_result"]["images"]]

    def until_callbacks(self, count: int) -> None:
        self.client.until(lambda: len(self.outside.callbacks) == count, f"{count} callbacks have come")

    def set_faults(self, **faults: object) -> None:
        answer = self.client.post("/_control/faults", json=faults)
        assert answer.status_code == 200, answer.text

    def stats(self) -> dict[str, Any]:
        counts: dict[str, Any] = self.client.get("/_control/stats").json()
        return counts


@contextmanager
def provider(**settings: Any) -> Iterator[Rig]:
    """A separate provider for one test."""
    outside = Outside()
    app = create_app(replace(SETTINGS, **settings), transport=httpx.MockTransport(outside))
    with asyncio.Runner() as loop:
        lifespan = app.router.lifespan_context(app)
        loop.run(lifespan.__aenter__())
        try:
            yield Rig(Client(app, loop), outside)
        finally:
            loop.run(lifespan.__aexit__(None, None, None))
