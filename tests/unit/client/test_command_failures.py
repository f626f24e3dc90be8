"""Failures of commands: a task that is paid for is not lost, and a request is not paid twice."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from kiln_cli import app, terminal
from kiln_cli.pictures import follow, tables
from kiln_cli.pictures.progress_view import stage_in_words
from kiln_client import Progress, Task
from kiln_client.answers import Step
from tests.support.fake_api import KEY, URL, FakeApi, refusal
from tests.support.images import picture
from tests.unit.client.conftest import Run

HERE = "http://127.0.0.1/live"
GONE = refusal(503, 5001, "gone", Retry_After="3600")

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def kiln(command: Run) -> Run:
    return command


def interrupted(_: httpx.Request) -> httpx.Response:
    raise KeyboardInterrupt


def after(count: int, then: httpx.Response | Callable[[httpx.Request], httpx.Response], api: FakeApi) -> None:
    """Lets the API answer some requests as usual, and then one in another way."""

    def as_usual(request: httpx.Request) -> httpx.Response:
        return next(answer for answer in api._answers(request) if answer is not None)

    api.first = [*[as_usual] * count, then]


def test_too_small_image_is_named_before_any_request(kiln: Run, api: FakeApi) -> None:
    Path("tiny.jpg").write_bytes(picture(200, 200, "JPEG"))
    said = "kiln: tiny.jpg: each side must be at least 300 px, got 200 x 200 px\n"
    assert kiln("submit", "tiny.jpg") == (2, "", said)
    assert api.requests == []


@pytest.mark.parametrize("position", [None, 3])
def test_progress_says_that_dispatch_is_paused(position: int | None) -> None:
    progress = Progress("t1", "submitted", "waiting", queue_position=position, is_paused=True)
    place = "3rd in the queue" if position else "waiting in the queue"
    assert stage_in_words(progress) == f"{place}; paused by the operator"


@pytest.mark.parametrize("arguments", [("submit", "cat.png"), ("retry", "t1")])
@pytest.mark.parametrize("output", ["cat.png/there", "/proc/nowhere"])
def test_unusable_folder_is_refused_before_any_request(
    kiln: Run, api: FakeApi, arguments: tuple[str, str], output: str
) -> None:
    api.add("t1")
    status, out, err = kiln(*arguments, "-o", output)
    assert (status, out, api.requests) == (1, "", [])
    assert err.startswith(f"kiln: {output}: ")


def test_read_only_folder_is_refused_before_any_request(
    kiln: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path, _: bytes) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(follow, "write_whole", read_only)
    assert kiln("submit", "cat.png", "-o", "out") == (1, "", "kiln: out: Read-only file system\n")
    assert api.requests == []


def test_no_wait_creates_no_folder(kiln: Run) -> None:
    assert kiln("submit", "cat.png", "--no-wait", "-o", "out") == (0, "task-1\n", "")
    assert not Path("out").exists()


def test_folder_check_leaves_no_file(kiln: Run) -> None:
    assert kiln("submit", "cat.png", "-o", "out")[0] == 0
    assert [each.name for each in Path("out").iterdir()] == ["task-1-0.png"]


@pytest.mark.parametrize("arguments", [("submit", "cat.png"), ("retry", "t1")])
def test_api_lost_while_watching_prints_the_watch_command(kiln: Run, api: FakeApi, arguments: tuple[str, str]) -> None:
    api.add("t1")
    after(1, GONE, api)
    status, out, err = kiln(*arguments, "-o", "my pictures")
    assert (status, out) == (1, "")
    assert err == "kiln: gone (request request-1); to watch again: kiln watch task-1 --output 'my pictures'\n"


def test_api_lost_while_watching_puts_the_hint_into_json(kiln: Run, api: FakeApi) -> None:
    after(1, GONE, api)
    error = json.loads(kiln("submit", "cat.png", "--json")[2])["error"]
    assert (error["http_status"], error["code"], error["request_id"]) == (503, 5001, "request-1")
    assert error["message"] == "gone; to watch again: kiln watch task-1 --output ."


def test_full_disk_prints_the_watch_command(kiln: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "out/task-1-0.png")

    monkeypatch.setattr("kiln_client.operations.write_whole", full)
    status, _, err = kiln("submit", "cat.png", "-o", "out")
    assert status == 1
    assert err == ("kiln: out/task-1-0.png: No space left on device; to watch again: kiln watch task-1 --output out\n")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EPIPE])
def test_unwritable_output_prints_the_watch_command(kiln: Run, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(terminal.Terminal, "lines", full)
    assert "kiln watch task-1" in kiln("submit", "cat.png", "--no-wait")[2]


def test_unexpected_error_has_the_watch_command_as_a_note(kiln: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("stage")

    monkeypatch.setattr(follow, "print_result", broken)
    with pytest.raises(KeyError) as unexpected:
        kiln("submit", "cat.png")
    assert "kiln watch task-1" in unexpected.value.__notes__[0]


def test_watch_command_names_kiln_without_key(kiln: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kiln("login", "--url", URL, "--key", KEY, "--profile", "my shop")[0] == 0
    monkeypatch.delenv("KILN_URL")
    for which in (["--profile", "my shop"], ["--url", URL, "--key", KEY]):
        after(1, interrupted, api)
        err = kiln("submit", "cat.png", *which)[2]
        again = "--profile 'my shop'" if "--profile" in which else f"--url {URL}"
        assert f"{again} --output ." in err
        assert KEY not in err


@pytest.mark.parametrize("arguments", [("submit", "cat.png"), ("retry", "t1")])
def test_unanswered_request_prints_a_key_that_repeats_it_safely(
    kiln: Run, api: FakeApi, arguments: tuple[str, str]
) -> None:
    api.add("t1")

    def created_without_an_answer(request: httpx.Request) -> httpx.Response:
        next(answer for answer in api._answers(request) if answer is not None)
        return GONE

    api.first = [created_without_an_answer]
    status, _, err = kiln(*arguments, "--no-wait")
    assert status == 1
    key = err.partition("--idempotency-key ")[2].split()[0]
    assert kiln(*arguments, "--no-wait", "--idempotency-key", key)[:2] == (0, "task-1\n")
    api.first = [interrupted]
    status, _, err = kiln(*arguments, "--idempotency-key", "an order")
    assert (status, "--idempotency-key 'an order'" in err) == (130, True)


def test_empty_idempotency_key_is_refused(kiln: Run, api: FakeApi) -> None:
    status, _, err = kiln("submit", "cat.png", "--idempotency-key", "")
    assert (status, err, api.requests) == (2, "kiln: --idempotency-key: must not be empty\n", [])


@pytest.mark.parametrize("named", ["--key", "--idempotency-key"])
@pytest.mark.parametrize("odd", ["schlüssel", "two\nlines"])
def test_key_that_no_header_can_contain_is_refused_before_any_request(
    kiln: Run, api: FakeApi, named: str, odd: str
) -> None:
    status, _, err = kiln("submit", "cat.png", "--url", URL, "--key", KEY, named, odd)
    assert status == 2
    assert err.endswith("must be ASCII characters without line breaks\n")
    assert odd not in err
    assert api.requests == []


def test_line_break_after_a_key_is_ignored(kiln: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KILN_KEY", f"{KEY}\r\n")
    assert kiln("list") == (0, "", "")


def test_login_without_a_key_sends_no_other_key(kiln: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert kiln("login", "--url", "https://other.example") == (
        2,
        "",
        "kiln: no key entered; pass --key, or pipe the key in\n",
    )
    assert api.requests == []


def test_refused_loopback_connection_is_not_retried(kiln: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KILN_URL", HERE)
    api.first = [httpx.ConnectError("refused")]
    said = "kiln: no answer from http://127.0.0.1: refused; the local stack isn't running; start it with make up\n"
    assert kiln("submit", "cat.png") == (3, "", said)
    assert len(api.requests) == 1


def test_sigterm_is_handled_like_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: list[object] = []
    monkeypatch.setattr(app, "run", lambda _: handlers.append(signal.getsignal(signal.SIGTERM)))
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit):
            app.main([])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert handlers == [signal.default_int_handler]


def test_cancel_of_several_continues_after_a_refusal(kiln: Run, api: FakeApi) -> None:
    api.add("runs", stages=("generating",))
    api.add("waits", stages=("waiting",))
    status, out, err = kiln("cancel", "runs", "none", "waits", "--json")
    assert (status, json.loads(out)["task_id"]) == (1, "waits")
    message = json.loads(err)["error"]["message"]
    assert message.startswith("runs: the task cannot be cancelled: it is being generated; none: Task not found")


def test_open_of_a_failed_task_says_no_images(kiln: Run, api: FakeApi) -> None:
    api.add("t1", stages=("failed",))
    assert kiln("open", "t1") == (1, "", "kiln: task t1 has no images: its status is failed\n")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("External_task_id shoot-000 already exists", "you already have a task with the id shoot-000"),
        (
            "subject_image_list[0].subject_image: the URL could not be fetched: [Errno -2] Name or service not known",
            "subject 1: couldn't download the picture: the address wasn't found",
        ),
    ],
)
def test_refusal_is_in_plain_words(kiln: Run, api: FakeApi, message: str, words: str) -> None:
    api.first = [refusal(400, 1201, message)]
    assert kiln("submit", "cat.png") == (1, "", f"kiln: {words}\n")


def test_file_name_that_is_no_text_is_printed_unchanged(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    odd = os.fsdecode(b"caf\xe9.png")
    terminal.Terminal().lines([odd])
    terminal.Terminal(as_json=True).document({"files": [odd], "prompt": "猫"})
    plain, document = capsysbinary.readouterr().out.splitlines()
    assert plain == b"caf\xe9.png"
    assert json.loads(document) == {"files": [odd], "prompt": "猫"}


def test_file_name_with_brackets_is_not_markup(watched: Run) -> None:
    status, out, err = watched("submit", "cat.png", "--no-wait", "-o", "a[/b]")
    assert (status, out) == (0, "task-1\n")
    assert "a[/b]" in err


def test_refusal_with_brackets_is_not_markup(watched: Run, api: FakeApi) -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        step = [{"step": "accepted", "at": 1_795_000_000_000}]
        answer = {"task_id": "t1", "task_status": "submitted", "stage": "waiting", "refusal": "full [/x] [red]"}
        return httpx.Response(200, json={"data": {**answer, "steps": step}})

    api.add("t1")
    api.first = [refused]
    assert watched("watch", "t1")[0] == 0


def test_details_show_the_status_once() -> None:
    task = Task.read({"task_id": "t1", "task_status": "succeed", "created_at": 1, "updated_at": 2})
    progress = Progress("t1", "succeed", "succeed", steps=(Step("accepted", 1),))
    assert tables.status_in_words(task, progress).plain == "succeed"
    waiting = Task.read({"task_id": "t1", "task_status": "submitted", "created_at": 1, "updated_at": 2})
    progress = Progress("t1", "submitted", "waiting", queue_position=1)
    assert tables.status_in_words(waiting, progress).plain == "submitted; next in the queue"
