"""A caller's view of the API for the tests: who calls, what is sent, and waiting for what comes of it."""

from __future__ import annotations

import base64
import io
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import jwt
from PIL import Image, ImageDraw

from local.stack import TASKS_PATH

Found = TypeVar("Found")
JsonObject = dict[str, Any]

PATIENCE_S = 300.0
"""How long anything may take. Only a fault takes so long, and a slow, busy computer must not look like one."""

UNDER_WAY = ("submitted", "processing")
TERMINAL = ("succeed", "failed")

NEVER = 3_600
"""Seconds that a task takes which is to end when the test says so."""


def wait_until(condition: Callable[[], Found | None], what: str, *, timeout: float = PATIENCE_S) -> Found:
    """Asks until the answer is true, and returns it; a failure names the condition."""
    start = time.monotonic()
    while not (answer := condition()):
        waited = time.monotonic() - start
        assert waited < timeout, f"waited {timeout:g} s without success until {what}"
        time.sleep(pause_after(waited))
    return answer


def pause_after(waited: float) -> float:
    """The seconds until the next question: a tenth of the wait so far. Each question takes a whole request's CPU."""
    return min(max(0.05, waited / 10), 0.5)


def picture(width: int = 320, height: int = 320, colour: str = "teal", kind: str = "PNG") -> bytes:
    """A small image that the contract allows."""
    image = Image.new("RGB", (width, height), colour)
    ImageDraw.Draw(image).ellipse((width // 4, height // 4, width // 2, height // 2), fill="orange")
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


SUBJECT = base64.b64encode(picture()).decode()


def job(**changes: object) -> JsonObject:
    """The body of a create request that is in order, except for the changes."""
    return {"prompt": "A test", "subject_image_list": [{"subject_image": SUBJECT}]} | changes


@dataclass(frozen=True)
class Caller:
    """Someone whose keys are in the callers' secret."""

    name: str
    webhook_secret: str = ""
    tasks_per_minute: int = 0
    access_key: str = field(default_factory=lambda: secrets.token_hex(8))
    secret_key: str = field(default_factory=lambda: secrets.token_hex(20))
    api_key: str = field(default_factory=lambda: secrets.token_hex(16))

    def entry(self) -> JsonObject:
        """The caller as the secret lists it; what it has none of is left out, as a secret has 64 KB at most."""
        fields = {
            "name": self.name,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "api_keys": [self.api_key],
            "webhook_secret": self.webhook_secret,
            "tasks_per_minute": self.tasks_per_minute,
        }
        return {name: value for name, value in fields.items() if value}

    def token(self, *, key: str | None = None, **claims: object) -> str:
        """A JWT as the contract's clients sign it, except for the changes."""
        now = int(time.time())
        payload: JsonObject = {"iss": self.access_key, "exp": now + 1800, "nbf": now - 5, **claims}
        return jwt.encode(payload, key or self.secret_key, algorithm="HS256", headers={"typ": "JWT"})


class Client:
    """One caller's view of the API: nothing but HTTP."""

    def __init__(self, api_url: str, caller: Caller) -> None:
        self.caller = caller
        self.api_url = api_url
        self.http = httpx.Client(base_url=api_url, trust_env=False, timeout=PATIENCE_S)

    def close(self) -> None:
        self.http.close()

    def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        """A request with this caller's JWT."""
        headers = {"Authorization": f"Bearer {self.caller.token()}", **content.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **content)

    def post(self, body: object) -> httpx.Response:
        return self.send("POST", TASKS_PATH, json=body)

    def create(self, **changes: object) -> str:
        """Creates a task and gives its id; the answer is checked against the contract."""
        answer = self.post(job(**changes))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["code"] == 0, body
        data = body["data"]
        assert data["task_status"] == "submitted", data
        assert data["task_info"]["external_task_id"] == changes.get("external_task_id", ""), data
        task_id: str = data["task_id"]
        return task_id

    def get(self, either_id: str) -> JsonObject:
        answer = self.send("GET", f"{TASKS_PATH}/{either_id}")
        assert answer.status_code == 200, answer.text
        data: JsonObject = answer.json()["data"]
        return data

    def list(self, **parameters: object) -> list[JsonObject]:
        answer = self.send("GET", TASKS_PATH, params=parameters)
        assert answer.status_code == 200, answer.text
        data: list[JsonObject] = answer.json()["data"]
        return data

    def wait_for(self, task_id: str, *statuses: str) -> JsonObject:
        """Waits until a task has one of these statuses: by default until it has ended."""
        wanted = statuses or TERMINAL

        def reached() -> JsonObject | None:
            task = self.get(task_id)
            assert task["task_status"] in wanted or task["task_status"] not in TERMINAL, task
            return task if task["task_status"] in wanted else None

        return wait_until(reached, f"task {task_id} is {' or '.join(wanted)}")
