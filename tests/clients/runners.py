"""Runs the clients for the tests: each call is a new process in the client's own environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.https import HttpsFront
from tests.clients.installing import HERE
from tests.integration.client import Caller, JsonObject

PATIENCE_S = 180


def _run(command: list[str], folder: Path, sent: str = "", **variables: str) -> str:
    """Runs a client's driver and gives what it printed."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        command,
        cwd=folder,
        input=sent,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={**environment, **variables},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Aworld:
    """The client ``aworld``: plain keys, raw base64, one call that creates and polls."""

    def __init__(self, python: Path, folder: Path, base_url: str) -> None:
        self._python = python
        self._folder = folder
        self._base_url = base_url

    def generate(self, api_key: str, *, asynchronous: bool = False, **arguments: object) -> JsonObject:
        """Has it make pictures, polling fast, and gives what its driver tells."""
        request = {
            "base_url": self._base_url,
            "api_key": api_key,
            "asynchronous": asynchronous,
            "arguments": {"prompt": "A cat carries a lantern", "poll_interval": 0.2, "poll_timeout": 120, **arguments},
        }
        asked, answer = self._folder / "request.json", self._folder / "answer.json"
        asked.write_text(json.dumps(request))
        driver = str(HERE / "aworld" / "driver.py")
        # It would install what it misses by itself.
        _run([str(self._python), driver, str(asked), str(answer)], self._folder, PIP_NO_INDEX="1")
        answered: JsonObject = json.loads(answer.read_text())
        return answered


class KlingApi:
    """The client ``kling-api``: JWTs, https only, separate calls for creating, waiting and saving."""

    def __init__(self, folder: Path, front: HttpsFront, caller: Caller) -> None:
        self._folder = folder
        self._config = {"baseUrl": front.url, "accessKey": caller.access_key, "secretKey": caller.secret_key}
        self._variables = {
            "NODE_EXTRA_CA_CERTS": str(front.certificate),
            "NODE_OPTIONS": f"--require={folder / 'loopback-names.cjs'}",
        }

    def call(self, name: str, *, config: dict[str, str] | None = None, **given: object) -> Any:
        """Has it do one thing, and gives its answer or the error that it made of a refusal."""
        request = {"config": self._config | (config or {}), "call": name, **given}
        return json.loads(_run(["node", "driver.mjs"], self._folder, json.dumps(request), **self._variables))
