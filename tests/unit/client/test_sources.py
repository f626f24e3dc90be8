"""The commands for pictures read pipes, files and other tasks, and open the browser."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest

from tests.support.fake_api import KEY, URL, FakeApi
from tests.support.images import picture
from tests.unit.client.conftest import Run

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def kiln(command: Run) -> Run:
    return command


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that the browser was asked to open."""
    found: list[str] = []
    monkeypatch.setenv("BROWSER", "some-browser")
    monkeypatch.setattr("webbrowser.get", lambda: None)
    monkeypatch.setattr("webbrowser.open", found.append)
    return found


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_prompt_is_read_from_a_file(kiln: Run, api: FakeApi) -> None:
    Path("prompt.txt").write_bytes("\ufeff猫在月球上\n第二行\n".encode())
    assert kiln("submit", "cat.png", "--prompt", "@prompt.txt", "--no-wait")[0] == 0
    assert api.created()[0]["prompt"] == "猫在月球上\n第二行"


def test_prompt_is_read_from_a_pipe(kiln: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, "A cat — on the moon\r\n".encode())
    assert kiln("submit", "cat.png", "-p", "-", "--no-wait")[0] == 0
    assert api.created()[0]["prompt"] == "A cat — on the moon"


@pytest.mark.parametrize(("given", "sent"), [("@@cat is here", "@cat is here"), ("@", "@"), ("a@b", "a@b")])
def test_text_with_an_at_sign_can_be_written(kiln: Run, api: FakeApi, given: str, sent: str) -> None:
    assert kiln("submit", "cat.png", "-p", given, "--no-wait")[0] == 0
    assert api.created()[0]["prompt"] == sent


def test_missing_prompt_file_is_refused_and_nothing_is_sent(kiln: Run, api: FakeApi) -> None:
    status, _, err = kiln("submit", "cat.png", "-p", "@gone.txt")
    assert status == 2
    assert "--prompt: gone.txt: No such file" in err
    assert "write --prompt '@@gone.txt'" in err
    assert api.requests == []


def test_prompt_file_in_another_encoding_is_refused(kiln: Run) -> None:
    Path("prompt.txt").write_bytes("猫在月球上".encode("gbk"))
    status, _, err = kiln("submit", "cat.png", "-p", "@prompt.txt")
    assert (status, err) == (2, "kiln: --prompt: must be text in UTF-8, got another encoding\n")


def test_image_is_read_from_a_pipe(kiln: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, picture(640, 480))
    assert kiln("submit", "-", "--scene", "cat.png", "--no-wait")[0] == 0
    [subject] = api.created()[0]["subject_image_list"]
    assert base64.b64decode(subject["subject_image"]) == picture(640, 480)


def test_two_arguments_cannot_read_one_pipe(kiln: Run) -> None:
    assert kiln("submit", "-", "-p", "-")[::2] == (2, "kiln: -: one argument can read from a pipe, got 2\n")


def test_rerun_sends_the_other_tasks_images_with_changes(kiln: Run, api: FakeApi) -> None:
    stored = "https://bucket.example/0?X-Amz-Signature=abc"
    api.add(
        "before",
        n=3,
        prompt="A cat",
        subject_image_list=[{"subject_image": stored}, {"subject_image": "https://x/dog.png"}],
        scene_image=stored,
        callback_url="https://x.example/hook",
        callback_statuses=["failed"],
        priority="low",
    )
    assert kiln("rerun", "before", "--prompt", "A dog", "--ratio", "1:1", "--no-wait")[:2] == (0, "task-1\n")
    body = api.created()[0]
    inline = base64.b64encode(picture()).decode()
    assert [each["subject_image"] for each in body["subject_image_list"]] == [inline, "https://x/dog.png"]
    assert body["scene_image"] == inline
    assert (body["prompt"], body["n"], body["aspect_ratio"]) == ("A dog", 3, "1:1")
    assert (body["callback_statuses"], body["priority"]) == (["failed"], "low")


def test_rerun_of_an_unknown_task_is_not_found(kiln: Run) -> None:
    assert kiln("rerun", "gone")[0] == 5


def test_web_opens_the_task_in_the_console_without_the_key(kiln: Run, api: FakeApi, opened: list[str]) -> None:
    api.add("one")
    assert kiln("get", "one", "--web")[0] == 0
    assert kiln("submit", "cat.png", "--no-wait", "--web")[0] == 0
    assert kiln("rerun", "one", "--no-wait", "--web")[0] == 0
    assert opened == [f"{URL}/#task=one", f"{URL}/#task=task-1", f"{URL}/#task=task-2"]


def test_whoami_names_the_address_and_the_end_of_the_key(kiln: Run) -> None:
    status, out, _ = kiln("whoami")
    assert (status, out) == (0, f"{URL}\nkey …mine, from KILN_URL and KILN_KEY; Kiln accepts it\n")
    assert KEY not in out


def test_whoami_with_an_unknown_key_fails(kiln: Run) -> None:
    assert kiln("whoami", "--url", URL, "--key", "wrong")[0] == 4


def test_logout_removes_only_the_named_profile(kiln: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KILN_URL")
    for name in ("default", "shop"):
        assert kiln("login", "--url", URL, "--key", KEY, "--profile", name)[0] == 0
    assert kiln("logout", "--profile", "shop")[0] == 0
    assert kiln("whoami", "--profile", "shop")[0] == 2
    assert kiln("whoami")[0] == 0
    assert kiln("logout", "--profile", "shop")[0] == 2
    assert kiln("logout", "--profile", "local")[0] == 2
