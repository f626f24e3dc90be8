"""One acceptance run: the stack that it tries, the caller it acts as, its budget, and the cleaning up at the end."""

from __future__ import annotations

import base64
import contextlib
import secrets
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import httpx

from kiln_cli.acceptance.receiver import Receiver
from kiln_cli.operating.installation import Installation

TASKS_PATH = "/v1/images/multi-image2image"
PROMPT = "A paper lantern in the rain"
_SIDE = 320
_TERMINAL = {"succeed", "failed"}

Found = TypeVar("Found")


@dataclass
class Trial:
    """The run.

    Attributes:
        installation: The stack.
        http: Sends requests without a key.
        caller: The entry of the callers' secret that the run acts as.
        budget: The images that it may still have generated.
        patience: How many seconds a task may take.
        most_requests: The requests that the check of the API's burst may send.
        receiver: Listens on this computer for webhooks; ``None`` if the stack cannot reach it.
        webhook_url: The address that webhooks are sent to.
        undo: The steps that remove what the run made.
        tasks: The tasks that it made.
        began: The start, in seconds since the epoch.
        mark: Names everything that the run makes.
        secret: The word of the prompts that no log may hold.
    """

    installation: Installation
    http: httpx.Client
    caller: dict[str, Any]
    budget: int
    patience: float = 300.0
    most_requests: int = 0
    receiver: Receiver | None = None
    webhook_url: str = ""
    undo: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    tasks: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.time)
    mark: str = field(default_factory=lambda: f"acceptance-{secrets.token_hex(6)}")
    secret: str = field(default_factory=lambda: secrets.token_hex(12))

    @property
    def prompt(self) -> str:
        """A prompt with a word that occurs nowhere else, so that it can be searched for."""
        return f"{PROMPT} {self.secret}"

    @cached_property
    def image(self) -> str:
        """A small image that the contract allows, in base64."""
        return base64.b64encode(png(_SIDE)).decode()

    def can_spend(self, images: int) -> bool:
        """Takes images from the budget, if it has them."""
        if images > self.budget:
            return False
        self.budget -= images
        return True

    def url(self, path: str) -> str:
        """The address of a path of the API."""
        return self.installation.api_url + path

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Sends a request with the caller's key."""
        headers = {"Authorization": f"Bearer {self.caller['api_keys'][0]}", **more.pop("headers", {})}
        return self.http.request(method, self.url(path), headers=headers, **more)

    def job(self, **fields: Any) -> dict[str, Any]:
        """The body of a create request."""
        return {"prompt": self.prompt, "subject_image_list": [{"subject_image": self.image}], **fields}

    def created(self, answer: httpx.Response) -> str:
        """The id of a task that a request made."""
        task_id = str(data(answer).get("task_id", ""))
        if task_id and task_id not in self.tasks:
            self.tasks.append(task_id)
        return task_id

    def ended(self, task_id: str) -> dict[str, Any]:
        """The task when it has ended, or as it is when the patience is over."""
        return self.wait(lambda: self._terminal(task_id)) or data(self.send("GET", f"{TASKS_PATH}/{task_id}"))

    def _terminal(self, task_id: str) -> dict[str, Any] | None:
        task = data(self.send("GET", f"{TASKS_PATH}/{task_id}"))
        return task if task.get("task_status") in _TERMINAL else None

    def wait(self, condition: Callable[[], Found | None], seconds: float | None = None) -> Found | None:
        """Asks until the answer is true; ``None`` when the time is over."""
        ends_at = time.monotonic() + (self.patience if seconds is None else seconds)
        while True:
            found = condition()
            if found or time.monotonic() > ends_at:
                return found or None
            time.sleep(0.2 if self.installation.is_local else 2)


def body_of(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty for any other body."""
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def data(answer: httpx.Response) -> dict[str, Any]:
    """The ``data`` of an answer; empty if it has none."""
    found = body_of(answer).get("data")
    return found if isinstance(found, dict) else {}


def said(answer: httpx.Response) -> str:
    """The HTTP status and the contract's code of an answer."""
    return f"{answer.status_code}/{body_of(answer).get('code', 'no code')}"


def png(side: int) -> bytes:
    """A square PNG with a gradient."""
    rows = b"".join(b"\0" + bytes(v for x in range(side) for v in (x % 256, y % 256, 128)) for y in range(side))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def all_of(client: Any, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
    """Every element of a listing of AWS."""
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(key, [])
