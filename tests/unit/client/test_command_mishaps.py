"""What a person has paid for is neither lost nor paid twice, and no mishap says what is not so."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from kiln_cli import app, terminal
from kiln_cli.pictures import following, showing
from kiln_client import Progress, Task
from kiln_client.answers import Step
from tests.unit.client.conftest import Said
from tests.unit.client.played_api import KEY, URL, PlayedApi, refusal

HERE = "http://127.0.0.1/live"
GONE = refusal(503, 5001, "gone", Retry_After="3600")

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def kiln(command: Said) -> Said:
    return command


@pytest.fixture
def watched(command: Said, monkeypatch: pytest.MonkeyPatch) -> Said:
    """The command, while somebody looks on."""

    def call(*arguments: str) -> tuple[int, str, str]:
        for stream in (sys.stdout, sys.stderr):
            monkeypatch.setattr(stream, "isatty", lambda: True)
        return command(*arguments)

    return call


def interrupted(_: httpx.Request) -> httpx.Response:
    raise KeyboardInterrupt


def after(count: int, then: httpx.Response | Callable[[httpx.Request], httpx.Response], api: PlayedApi) -> None:
    """Plays the API as it is for some requests, and then something else."""

    def honest(request: httpx.Request) -> httpx.Response:
        return next(answer for answer in api._answers(request) if answer is not None)

    api.first = [*[honest] * count, then]


@pytest.mark.parametrize("arguments", [("submit", "cat.png"), ("retry", "t1")])
@pytest.mark.parametrize("output", ["cat.png/there", "/proc/nowhere"])
def test_nothing_is_paid_for_that_cannot_be_saved(
    kiln: Said, api: PlayedApi, arguments: tuple[str, str], output: str
) -> None:
    api.add("t1")
    status, out, err = kiln(*arguments, "-o", output)
    assert (status, out, api.requests) == (1, "", [])
    assert err.startswith(f"kiln: {output}: ")


def test_a_folder_that_takes_no_files_is_seen_before_anything_is_paid_for(
    kiln: Said, api: PlayedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path, _: bytes) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(following, "write_whole", read_only)
    assert kiln("submit", "cat.png", "-o", "out") == (1, "", "kiln: out: Read-only file system\n")
    assert api.requests == []


def test_who_does_not_wait_needs_no_folder(kiln: Said) -> None:
    assert kiln("submit", "cat.png", "--no-wait", "-o", "out") == (0, "task-1\n", "")
    assert not Path("out").exists()


def test_trying_a_folder_leaves_nothing_in_it(kiln: Said) -> None:
    assert kiln("submit", "cat.png", "-o", "out")[0] == 0
    assert [each.name for each in Path("out").iterdir()] == ["task-1-0.png"]


@pytest.mark.parametrize("arguments", [("submit", "cat.png"), ("retry", "t1")])
def test_an_api_that_goes_away_does_not_take_the_task_along(
    kiln: Said, api: PlayedApi, arguments: tuple[str, str]
) -> None:
    api.add("t1")
    after(1, GONE, api)
    status, out, err = kiln(*arguments, "-o", "my pictures")
    assert (status, out) == (1, "")
    assert err == "kiln: gone (request request-1); to look again: kiln watch task-1 --output 'my pictures'\n"


def test_a_program_is_told_of_the_task_too(kiln: Said, api: PlayedApi) -> None:
    after(1, GONE, api)
    error = json.loads(kiln("submit", "cat.png", "--json")[2])["error"]
    assert (error["http_status"], error["code"], error["request_id"]) == (503, 5001, "request-1")
    assert error["message"] == "gone; to look again: kiln watch task-1 --output ."


def test_a_full_disk_does_not_take_the_task_along(kiln: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "out/task-1-0.png")

    monkeypatch.setattr("kiln_client.operations.write_whole", full)
    status, _, err = kiln("submit", "cat.png", "-o", "out")
    assert status == 1
    assert err == ("kiln: out/task-1-0.png: No space left on device; to look again: kiln watch task-1 --output out\n")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EPIPE])
def test_an_id_that_cannot_be_written_is_told_as_well(kiln: Said, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(terminal.Terminal, "lines", full)
    assert "kiln watch task-1" in kiln("submit", "cat.png", "--no-wait")[2]


def test_what_nobody_has_thought_of_names_the_task(kiln: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("stage")

    monkeypatch.setattr(following, "tell", broken)
    with pytest.raises(KeyError) as thought_of_by_nobody:
        kiln("submit", "cat.png")
    assert "kiln watch task-1" in thought_of_by_nobody.value.__notes__[0]


def test_looking_again_looks_at_the_same_kiln(kiln: Said, api: PlayedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kiln("login", "--url", URL, "--key", KEY, "--profile", "my shop")[0] == 0
    monkeypatch.delenv("KILN_URL")
    for which in (["--profile", "my shop"], ["--url", URL, "--key", KEY]):
        after(1, interrupted, api)
        err = kiln("submit", "cat.png", *which)[2]
        again = "--profile 'my shop'" if "--profile" in which else f"--url {URL}"
        assert f"{again} --output ." in err
        assert KEY not in err


@pytest.mark.parametrize("arguments", [("submit", "cat.png"), ("retry", "t1")])
def test_what_is_not_answered_can_be_repeated_for_nothing(
    kiln: Said, api: PlayedApi, arguments: tuple[str, str]
) -> None:
    api.add("t1")

    def made_but_not_told(request: httpx.Request) -> httpx.Response:
        next(answer for answer in api._answers(request) if answer is not None)
        return GONE

    api.first = [made_but_not_told]
    status, _, err = kiln(*arguments, "--no-wait")
    assert status == 1
    key = err.partition("--idempotency-key ")[2].split()[0]
    assert kiln(*arguments, "--no-wait", "--idempotency-key", key)[:2] == (0, "task-1\n")
    api.first = [interrupted]
    status, _, err = kiln(*arguments, "--idempotency-key", "an order")
    assert (status, "--idempotency-key 'an order'" in err) == (130, True)


def test_a_key_that_is_none_protects_from_nothing(kiln: Said, api: PlayedApi) -> None:
    status, _, err = kiln("submit", "cat.png", "--idempotency-key", "")
    assert (status, err, api.requests) == (2, "kiln: --idempotency-key: must not be empty\n", [])


@pytest.mark.parametrize("named", ["--key", "--idempotency-key"])
@pytest.mark.parametrize("odd", ["schlüssel", "two\nlines"])
def test_what_no_header_can_hold_is_told_before_anything_is_sent(
    kiln: Said, api: PlayedApi, named: str, odd: str
) -> None:
    status, _, err = kiln("submit", "cat.png", "--url", URL, "--key", KEY, named, odd)
    assert status in {2, 3}
    assert err.endswith("must be ASCII characters without line breaks\n")
    assert odd not in err
    assert api.requests == []


def test_a_key_from_a_file_may_end_with_a_line_break(kiln: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KILN_KEY", f"{KEY}\r\n")
    assert kiln("list") == (0, "", "")


def test_logging_in_without_a_key_does_not_send_another_one(
    kiln: Said, api: PlayedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert kiln("login", "--url", "https://other.example") == (2, "", "kiln: no key was given\n")
    assert api.requests == []


def test_where_nobody_listens_nobody_waits(kiln: Said, api: PlayedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KILN_URL", HERE)
    api.first = [httpx.ConnectError("refused")]
    said = "kiln: nothing answers at http://127.0.0.1: refused; is it running? make run starts the local stack\n"
    assert kiln("submit", "cat.png") == (3, "", said)
    assert len(api.requests) == 1


def test_a_signal_to_end_is_told_like_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []
    monkeypatch.setattr(app, "run", lambda _: heard.append(signal.getsignal(signal.SIGTERM)))
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit):
            app.main([])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.default_int_handler]


def test_of_several_all_that_can_be_cancelled_are(kiln: Said, api: PlayedApi) -> None:
    api.add("runs", course=("generating",))
    api.add("waits", course=("waiting",))
    status, out, err = kiln("cancel", "runs", "none", "waits", "--json")
    assert (status, json.loads(out)["task_id"]) == (1, "waits")
    message = json.loads(err)["error"]["message"]
    assert message.startswith("runs: the task cannot be cancelled: it is being generated; none: Task not found")


def test_a_failed_task_has_no_images_to_come(kiln: Said, api: PlayedApi) -> None:
    api.add("t1", course=("failed",))
    assert kiln("open", "t1") == (1, "", "kiln: task t1 has no images: its status is failed\n")


def test_a_name_that_is_no_text_is_written_as_it_is(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    odd = os.fsdecode(b"caf\xe9.png")
    terminal.Terminal().lines([odd])
    terminal.Terminal(as_json=True).document({"files": [odd], "prompt": "猫"})
    plain, document = capsysbinary.readouterr().out.splitlines()
    assert plain == b"caf\xe9.png"
    assert json.loads(document) == {"files": [odd], "prompt": "猫"}


def test_a_name_with_brackets_is_no_markup(watched: Said) -> None:
    status, out, err = watched("submit", "cat.png", "--no-wait", "-o", "a[/b]")
    assert (status, out) == (0, "task-1\n")
    assert "a[/b]" in err


def test_what_the_provider_says_is_no_markup(watched: Said, api: PlayedApi) -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        step = [{"step": "accepted", "at": 1_795_000_000_000}]
        answer = {"task_id": "t1", "task_status": "submitted", "stage": "waiting", "refusal": "full [/x] [red]"}
        return httpx.Response(200, json={"data": {**answer, "steps": step}})

    api.add("t1")
    api.first = [refused]
    assert watched("watch", "t1")[0] == 0


def test_a_sheet_says_the_status_once() -> None:
    task = Task.read({"task_id": "t1", "task_status": "succeed", "created_at": 1, "updated_at": 2})
    progress = Progress("t1", "succeed", "succeed", steps=(Step("accepted", 1),))
    assert showing.status_in_words(task, progress).plain == "succeed"
    waiting = Task.read({"task_id": "t1", "task_status": "submitted", "created_at": 1, "updated_at": 2})
    progress = Progress("t1", "submitted", "waiting", queue_position=1)
    assert showing.status_in_words(waiting, progress).plain == "submitted; it waits for its turn, next in line"
