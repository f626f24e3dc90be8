"""The installed ``kiln`` command with a running stack, in pipes and terminals."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from kiln_client import Kiln
from tests.e2e.commands import PATIENCE_S, SAMPLE, description, until, up
from tests.support.images import padded, picture

KILN = Path(sys.executable).with_name("kiln")
SUBJECT = str(SAMPLE / "cat.png")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a running stack in ``.kiln``, as with ``make up``."""
    folder = tmp_path_factory.mktemp("project")
    with up(folder / ".kiln") as process:
        description(folder / ".kiln", process)
        yield folder
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment that names no Kiln, and a home without profiles."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KILN_", "XDG_"))}
    return kept | {"HOME": str(tmp_path)}


@pytest.fixture
def kiln(folder: Path, environment: dict[str, str]) -> Run:
    """Runs the command in a pipe, deep inside the folder."""
    inside = folder / "deep" / "inside"
    inside.mkdir(parents=True, exist_ok=True)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [KILN, *arguments],
            cwd=inside,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    return run


def test_submit_list_get_and_save_return_the_same_images(kiln: Run, folder: Path) -> None:
    scene = str(SAMPLE / "scene.jpg")
    ended = kiln("submit", SUBJECT, "--scene", scene, "--prompt", "A cat", "-n", "2", "-o", "out")
    assert (ended.returncode, ended.stderr) == (0, "")
    paths = [folder / "deep" / "inside" / line for line in ended.stdout.splitlines()]
    assert len(paths) == 2
    for path in paths:
        assert path.read_bytes()[:4] in {b"\x89PNG", b"\xff\xd8\xff\xe0"}
    task_id = paths[0].stem.rpartition("-")[0]
    listed = [line.split("\t")[:2] for line in kiln("list").stdout.splitlines()]
    assert [task_id, "succeed"] in listed
    task = json.loads(kiln("get", task_id, "--json").stdout)
    assert task["task_id"] == task_id
    saved = kiln("save", task_id, "-o", "again").stdout.splitlines()
    assert [Path(folder / "deep" / "inside" / line).read_bytes() for line in saved] == [
        path.read_bytes() for path in paths
    ]


def test_large_image_is_uploaded_and_generated_from(kiln: Run, folder: Path) -> None:
    large = folder / "large.png"
    large.write_bytes(padded(picture(600, 600), 9 * 1024 * 1024))
    ended = kiln("submit", str(large), "-o", "large")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("large/")


def test_task_submitted_without_waiting_is_watched_and_retried(kiln: Run) -> None:
    task_id = kiln("submit", SUBJECT, "--no-wait").stdout.strip()
    watched = kiln("watch", task_id, "--json")
    assert watched.returncode == 0, watched.stderr
    lines = [json.loads(line) for line in watched.stdout.splitlines()]
    assert lines[-2]["stage"] == "succeed"
    assert lines[-1]["task_result"]["images"]
    again = kiln("retry", task_id, "--json")
    assert json.loads(again.stdout)["task_id"] != task_id
    assert json.loads(again.stdout)["task_status"] == "succeed"


def test_refusal_prints_one_line(kiln: Run) -> None:
    refused = kiln("submit", f"kiln-upload://{'0' * 32}")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("kiln: subject 1: ")
    assert refused.stderr.count("\n") == 1
    assert kiln("submit", "nowhere.png").returncode == 2
    assert kiln("get", "nothing-of-mine").returncode == 5
    assert kiln("list", "--url", "http://127.0.0.1:9", "--key", "x").returncode == 3


@contextlib.contextmanager
def never_ending(here: dict[str, str]) -> Iterator[None]:
    """Tasks that are created in the block end with it, however long it takes."""

    def control(what: str, content: object) -> None:
        httpx.post(f"{here['provider_control_url']}/{what}", json=content, timeout=PATIENCE_S, trust_env=False)

    control("faults", {"task_seconds": 3_600})
    try:
        yield
    finally:
        control("faults", {})
        control("finish", {})


def test_ctrl_c_prints_how_to_continue_the_task(kiln: Run, folder: Path, environment: dict[str, str]) -> None:
    here = json.loads((folder / ".kiln" / "stack.json").read_text())
    key = f"interrupted-{time.time_ns()}"
    with Kiln(here["api_url"], here["api_key"]) as client, never_ending(here):
        before = {task.task_id for task in client.list()}
        process = subprocess.Popen(
            [KILN, "submit", SUBJECT, "--idempotency-key", key],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: any(task.task_id not in before for task in client.list()), "the task is accepted")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (130, "")
    how = re.search(r"kiln watch (\S+ --output \S+)", err)
    if how is None:
        # The interrupt came before the answer.
        assert key in err
        return
    assert kiln("watch", *how[1].split()).returncode == 0


def test_terminal_shows_stages_and_thumbnail(folder: Path, environment: dict[str, str]) -> None:
    command = [str(KILN), "submit", SUBJECT, "--prompt", "A cat", "-o", "seen"]
    looks = environment | {"TERM": "xterm-256color", "COLUMNS": "100"}
    seen = in_a_terminal(command, folder, {name: value for name, value in looks.items() if name != "NO_COLOR"})
    words = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen)
    for expected in ("Sending 1 image", "accepted", "sent to the provider", "done", "▀", "seen/"):
        assert expected in words, words


def in_a_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """The output of a command in a terminal, until it ends."""
    ours, its = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=its, stdout=its, stderr=its, close_fds=True)
    os.close(its)
    said = b""
    deadline = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                chunk = os.read(ours, 65_536)
            except OSError:
                # On Linux this error means that the other end is closed.
                break
            if not chunk:
                break
            said += chunk
        assert process.wait(timeout=PATIENCE_S) == 0, said.decode()
    finally:
        process.kill()
        os.close(ours)
    return said.decode()
