"""Starts ``python -m local`` as a person does, and waits for its effects."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.integration.client import wait_until

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "samples" / "lantern-cat"
TASKS_PATH = "/v1/images/multi-image2image"
PATIENCE_S = 300.0

Command = subprocess.Popen[str]


def until(is_so: Callable[[], bool], what: str, timeout: float = PATIENCE_S) -> None:
    """Waits for a condition."""
    wait_until(is_so, what, timeout=timeout)


@contextlib.contextmanager
def command(*arguments: str, log: Path, **variables: str) -> Iterator[Command]:
    """Runs ``python -m local`` with these variables; the end of the block kills the process if it still runs."""
    # A person's keys would make the tests generate at the real provider.
    own = {name: value for name, value in os.environ.items() if not name.startswith("KLING_")}
    environment = {**own, **variables, "PYTHONUNBUFFERED": "1", "PYTHONPATH": f"{ROOT / 'layers' / 'kiln'}:{ROOT}"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def up(state_dir: Path) -> contextlib.AbstractContextManager[Command]:
    """``make up`` on a free port."""
    return command("up", "--port", "0", "--state-dir", str(state_dir), log=state_dir.with_suffix(".out"))


def description(state_dir: Path, process: Command) -> dict[str, str]:
    """The content of ``stack.json``, once this process has written it."""
    file = state_dir / "stack.json"
    log = state_dir.with_suffix(".out")

    def is_there() -> bool:
        assert process.poll() is None, log.read_text()
        # A killed stack leaves its file behind, and the next one removes it.
        return "Ready after" in log.read_text() and file.exists()

    until(is_there, "stack.json is there")
    here: dict[str, str] = json.loads(file.read_text())
    return here


def call(here: dict[str, str], path: str, body: object = None) -> Any:
    """Sends a request with the plain key, like curl."""
    request = urllib.request.Request(
        here["api_url"] + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {here['api_key']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return json.load(answer)
