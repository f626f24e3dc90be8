"""A user's path from outside, with nothing but a shell: it comes up, works, goes away, and leaves nothing behind."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "samples" / "lantern-cat"
TASKS_PATH = "/v1/images/multi-image2image"
PATIENCE_S = 120.0

Command = subprocess.Popen[str]


def until(is_so: Callable[[], bool], what: str, timeout: float = PATIENCE_S) -> None:
    """Waits for a condition."""
    deadline = time.monotonic() + timeout
    while not is_so():
        assert time.monotonic() < deadline, f"waited {timeout:g} s in vain until {what}"
        time.sleep(0.05)


@contextlib.contextmanager
def command(*arguments: str, log: Path) -> Iterator[Command]:
    """Runs ``python -m local``; what is still there at the end of the block is killed."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": f"{ROOT / 'layers' / 'kiln'}:{ROOT}"}
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
    """What ``stack.json`` says, once this process has written it."""
    file = state_dir / "stack.json"
    said = state_dir.with_suffix(".out")

    def is_there() -> bool:
        assert process.poll() is None, said.read_text()
        # A killed stack leaves its own behind, for the next one to clear away.
        return "Ready after" in said.read_text() and file.exists()

    until(is_there, "stack.json is there")
    here: dict[str, str] = json.loads(file.read_text())
    return here


def call(here: dict[str, str], path: str, body: object = None) -> Any:
    """What curl with the plain key does."""
    request = urllib.request.Request(
        here["api_url"] + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {here['api_key']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def generate(here: dict[str, str], n: int = 1) -> list[bytes]:
    """Creates a task, asks until it has succeeded, fetches the images."""
    subject = base64.b64encode((SAMPLE / "cat.png").read_bytes()).decode()
    body = {"prompt": "A cat", "subject_image_list": [{"subject_image": subject}], "n": n}
    task_id = call(here, TASKS_PATH, body)["data"]["task_id"]
    task: dict[str, Any] = {}

    def has_ended() -> bool:
        task.update(call(here, f"{TASKS_PATH}/{task_id}")["data"])
        return task["task_status"] in ("succeed", "failed")

    until(has_ended, "the task has ended")
    assert task["task_status"] == "succeed", task
    images = []
    for link in task["task_result"]["images"]:
        with urllib.request.urlopen(link["url"], timeout=60) as answer:
            images.append(answer.read())
    assert len(images) == n
    for content in images:
        assert_image(content)
    return images


def assert_image(content: bytes) -> None:
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert min(image.size) > 0


def processes_of(state_dir: Path) -> list[int]:
    """The processes whose environment or command line names a folder: the stack, and everything it has started."""
    needle = os.fsencode(str(state_dir))
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        # A process may end while it is looked at; others' may not be read.
        with contextlib.suppress(OSError):
            if needle in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks processes up under /proc")


def test_run_once_brings_the_images(tmp_path: Path) -> None:
    state_dir, log = tmp_path / "once", tmp_path / "once.out"
    with command("run", "--once", "--port", "0", "--state-dir", str(state_dir), log=log) as process:
        assert process.wait(timeout=PATIENCE_S) == 0, log.read_text()
    said = log.read_text()
    results = state_dir / "results" / SAMPLE.name
    job = json.loads((SAMPLE / "job.json").read_text())
    images = [path for path in results.rglob("*") if path.suffix in (".png", ".jpg")]
    assert len(images) == job["n"]
    for path in images:
        assert_image(path.read_bytes())
        assert path.name in said
    told = json.loads((results / "result.json").read_text())
    assert told["data"]["task_status"] == "succeed"
    assert not (state_dir / "stack.json").exists()
    assert processes_of(state_dir) == []


def test_a_job_that_cannot_work_is_no_success(tmp_path: Path) -> None:
    state_dir, log, sample = tmp_path / "bad", tmp_path / "bad.out", tmp_path / "bad-sample"
    sample.mkdir()
    (sample / "job.json").write_text(json.dumps({"subject_image_list": [{"subject_image": "cat.png"}], "n": 10}))
    (sample / "cat.png").write_bytes((SAMPLE / "cat.png").read_bytes())
    arguments = ["run", "--once", "--port", "0", "--state-dir", str(state_dir), "--sample", str(sample)]
    with command(*arguments, log=log) as process:
        assert process.wait(timeout=PATIENCE_S) == 1, log.read_text()
    assert "n: must be at most 9, got 10" in log.read_text()


@needs_proc
def test_up_serves_the_plain_key_until_sigterm(tmp_path: Path) -> None:
    state_dir = tmp_path / "up"
    with up(state_dir) as process:
        here = description(state_dir, process)
        assert (state_dir / "stack.json").stat().st_mode & 0o077 == 0, "keys are for their owner's eyes"
        with urllib.request.urlopen(here["api_url"], timeout=60) as page:
            assert "Kiln is running" in page.read().decode()
        with pytest.raises(urllib.error.HTTPError) as refused:
            call(here | {"api_key": "nobody"}, TASKS_PATH)
        with refused.value as answer:
            assert (answer.code, json.load(answer)["code"]) == (401, 1000)
        generate(here, n=2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert not (state_dir / "stack.json").exists()
    assert processes_of(state_dir) == []
    with pytest.raises(urllib.error.URLError):
        call(here, TASKS_PATH)


@needs_proc
def test_a_killed_stack_leaves_nothing_and_the_next_one_starts(tmp_path: Path) -> None:
    state_dir = tmp_path / "killed"
    with up(state_dir) as process:
        here = description(state_dir, process)
        subject = base64.b64encode((SAMPLE / "cat.png").read_bytes()).decode()
        call(here, TASKS_PATH, {"subject_image_list": [{"subject_image": subject}], "n": 3})
        assert len(processes_of(state_dir)) > 1
        process.kill()
        process.wait()
        until(lambda: processes_of(state_dir) == [], "nothing of it is left", timeout=20)
    with up(state_dir) as process:
        again = description(state_dir, process)
        assert again["access_key"] != here["access_key"]
        generate(again)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_two_stacks_side_by_side(tmp_path: Path) -> None:
    with up(tmp_path / "one") as one, up(tmp_path / "two") as two:
        first, second = description(tmp_path / "one", one), description(tmp_path / "two", two)
        assert first["api_url"] != second["api_url"]
        generate(first)
        assert call(second, TASKS_PATH)["data"] == []
        with pytest.raises(urllib.error.HTTPError) as refused:
            call(second | {"api_key": first["api_key"]}, TASKS_PATH)
        refused.value.close()
        assert refused.value.code == 401
        generate(second)


def test_a_taken_port_and_a_taken_folder_are_told(tmp_path: Path) -> None:
    state_dir = tmp_path / "taken"
    with up(state_dir) as process:
        port = description(state_dir, process)["api_url"].rsplit(":", 1)[1]
        for name, place in (("port", tmp_path / "elsewhere"), ("folder", state_dir)):
            log = tmp_path / f"{name}.out"
            wanted = port if name == "port" else "0"
            with command("up", "--port", wanted, "--state-dir", str(place), log=log) as second:
                assert second.wait(timeout=PATIENCE_S) == 2, log.read_text()
            assert (f"port {port}" if name == "port" else "another stack") in log.read_text()
        generate(description(state_dir, process))
