"""The local stack from a shell: it starts, works, ends, and leaves nothing behind."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.commands import PATIENCE_S, SAMPLE, TASKS_PATH, call, command, description, until, up


def generate(here: dict[str, str], n: int = 1) -> list[bytes]:
    """Creates a task, waits until it has succeeded, downloads the images."""
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
        with urllib.request.urlopen(link["url"], timeout=PATIENCE_S) as answer:
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
    """The processes with this folder in their environment or command line: the stack and its children."""
    needle = os.fsencode(str(state_dir))
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        # A process may end meanwhile, or belong to another user.
        with contextlib.suppress(OSError):
            if needle in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks processes up under /proc")


def test_run_once_saves_the_images(tmp_path: Path) -> None:
    state_dir, log = tmp_path / "once", tmp_path / "once.out"
    with command("run", "--once", "--port", "0", "--state-dir", str(state_dir), log=log) as process:
        assert process.wait(timeout=PATIENCE_S) == 0, log.read_text()
    output = log.read_text()
    results = state_dir / "results" / SAMPLE.name
    job = json.loads((SAMPLE / "job.json").read_text())
    images = [path for path in results.rglob("*") if path.suffix in (".png", ".jpg")]
    assert len(images) == job["n"]
    for path in images:
        assert_image(path.read_bytes())
        assert path.name in output
    result = json.loads((results / "result.json").read_text())
    assert result["data"]["task_status"] == "succeed"
    assert not (state_dir / "stack.json").exists()
    until(lambda: processes_of(state_dir) == [], "no process is left")


def test_run_once_with_an_invalid_job_exits_1(tmp_path: Path) -> None:
    state_dir, log, sample = tmp_path / "bad", tmp_path / "bad.out", tmp_path / "bad-sample"
    sample.mkdir()
    (sample / "job.json").write_text(json.dumps({"subject_image_list": [{"subject_image": "cat.png"}], "n": 10}))
    (sample / "cat.png").write_bytes((SAMPLE / "cat.png").read_bytes())
    arguments = ["run", "--once", "--port", "0", "--state-dir", str(state_dir), "--sample", str(sample)]
    with command(*arguments, log=log) as process:
        assert process.wait(timeout=PATIENCE_S) == 1, log.read_text()
    assert "n: must be at most 9, got 10" in log.read_text()


@needs_proc
def test_up_accepts_the_plain_key_until_sigterm(tmp_path: Path) -> None:
    state_dir = tmp_path / "up"
    with up(state_dir) as process:
        here = description(state_dir, process)
        assert (state_dir / "stack.json").stat().st_mode & 0o077 == 0, "the file with the keys is private"
        with urllib.request.urlopen(here["api_url"], timeout=PATIENCE_S) as page:
            assert "<title>Kiln</title>" in page.read().decode()
        with pytest.raises(urllib.error.HTTPError) as refused:
            call(here | {"api_key": "unknown"}, TASKS_PATH)
        with refused.value as answer:
            assert (answer.code, json.load(answer)["code"]) == (401, 1000)
        generate(here, n=2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_S) == 0
    assert not (state_dir / "stack.json").exists()
    until(lambda: processes_of(state_dir) == [], "no process is left")
    with pytest.raises(urllib.error.URLError):
        call(here, TASKS_PATH)


@needs_proc
def test_killed_stack_leaves_no_process_and_the_next_one_starts(tmp_path: Path) -> None:
    state_dir = tmp_path / "killed"
    with up(state_dir) as process:
        here = description(state_dir, process)
        subject = base64.b64encode((SAMPLE / "cat.png").read_bytes()).decode()
        call(here, TASKS_PATH, {"subject_image_list": [{"subject_image": subject}], "n": 3})
        assert len(processes_of(state_dir)) > 1
        process.kill()
        process.wait()
        until(lambda: processes_of(state_dir) == [], "no process is left")
    with up(state_dir) as process:
        again = description(state_dir, process)
        assert again["access_key"] != here["access_key"]
        generate(again)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE_S) == 0


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a stack that runs."""
    state_dir = tmp_path_factory.mktemp("stacks") / "one"
    with up(state_dir) as process:
        description(state_dir, process)
        yield state_dir


def test_two_stacks_do_not_share_tasks_or_keys(one: Path, tmp_path: Path) -> None:
    with up(tmp_path / "two") as two:
        first, second = json.loads((one / "stack.json").read_text()), description(tmp_path / "two", two)
        assert first["api_url"] != second["api_url"]
        generate(first)
        assert call(second, TASKS_PATH)["data"] == []
        with pytest.raises(urllib.error.HTTPError) as refused:
            call(second | {"api_key": first["api_key"]}, TASKS_PATH)
        refused.value.close()
        assert refused.value.code == 401
        generate(second)


def test_taken_port_or_folder_exits_2(one: Path, tmp_path: Path) -> None:
    here = json.loads((one / "stack.json").read_text())
    port = here["api_url"].rsplit(":", 1)[1]
    for name, place in (("port", tmp_path / "elsewhere"), ("folder", one)):
        log = tmp_path / f"{name}.out"
        asked_port = port if name == "port" else "0"
        with command("up", "--port", asked_port, "--state-dir", str(place), log=log) as second:
            assert second.wait(timeout=PATIENCE_S) == 2, log.read_text()
        assert (f"port {port}" if name == "port" else "another stack") in log.read_text()
    assert json.loads((one / "stack.json").read_text()) == here
    generate(here)
