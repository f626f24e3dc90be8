"""``KLING_API_KEY=… make run``: a provider elsewhere, which can reach neither the stack's images nor its callbacks."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.commands import PATIENCE_S, ROOT, command

KEY = secrets.token_hex(16)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a provider that refuses links to images and sends no callbacks."""
    command = [sys.executable, "-m", "local.provider", "--port", "0", "--exit-with-stdin", "--task-seconds", "1"]
    command += ["--access-key", "a", "--secret-key", "s" * 32, "--api-key", KEY]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'layers' / 'kiln'}:{ROOT}"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        url = json.loads(process.stdout.readline())["url"]
        faults = json.dumps({"refuse_links": True, "drop_callbacks": True}).encode()
        urllib.request.urlopen(
            urllib.request.Request(f"{url}/_control/faults", data=faults), timeout=PATIENCE_S
        ).close()
        yield url
        assert process.stdin
        process.stdin.close()


def test_sample_job_is_generated_by_the_provider_of_the_keys(provider: str, tmp_path: Path) -> None:
    arguments = ["run", "--once", "--yes", "--port", "0"]
    arguments += ["--state-dir", str(tmp_path / ".kiln"), "--pictures", str(tmp_path / "pictures")]
    keys = {"KLING_API_KEY": KEY, "KLING_API_URL": provider}
    log = tmp_path / "out.txt"
    with command(*arguments, log=log, **keys) as process:
        assert process.wait(timeout=PATIENCE_S) == 0, log.read_text()
    printed = log.read_text()
    assert "2 pictures at Kling and costs about 32 units" in printed
    copied = sorted((tmp_path / "pictures").glob("*/*"))
    assert len(copied) == 2
    for path in copied:
        with Image.open(path) as image:
            image.load()
    with urllib.request.urlopen(f"{provider}/_control/stats", timeout=PATIENCE_S) as answer:
        assert json.load(answer)["generated"] == 1


def test_sample_job_without_a_terminal_or_agreement_costs_nothing(provider: str, tmp_path: Path) -> None:
    log = tmp_path / "out.txt"
    keys = {"KLING_API_KEY": KEY, "KLING_API_URL": provider}
    with command("run", "--once", "--state-dir", str(tmp_path / ".kiln"), log=log, **keys) as process:
        assert process.wait(timeout=PATIENCE_S) == 2
    assert "make run YES=1" in log.read_text()
