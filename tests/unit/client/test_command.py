"""The command line as programs use it: what is on stdout, what is on stderr, and the exit status."""

from __future__ import annotations

import io
import json
from pathlib import Path

import httpx
import pytest

from kiln_cli.pictures import completing
from tests.support.images import picture
from tests.unit.client.conftest import Said
from tests.unit.client.played_api import KEY, URL, PlayedApi, refusal

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def kiln(command: Said) -> Said:
    return command


def test_a_pipe_gets_paths_and_nothing_else(kiln: Said) -> None:
    assert kiln("submit", "cat.png", "--n", "2", "--output", "out") == (0, "out/task-1-0.png\nout/task-1-1.jpg\n", "")
    assert Path("out/task-1-0.png").read_bytes() == picture()


def test_all_options_reach_the_request(kiln: Said, api: PlayedApi) -> None:
    Path("s.jpg").write_bytes(picture(form="JPEG"))
    options = "--scene s.jpg --style https://x/s.png -p A-cat -r 1:1 -n 3 -m kling-v2-1 --watermark --external-id mine"
    assert kiln("submit", "cat.png", "https://x/dog.png", *options.split(), "--no-wait")[:2] == (0, "task-1\n")
    body = api.created()[0]
    assert body["subject_image_list"][1] == {"subject_image": "https://x/dog.png"}
    assert body["style_image"] == "https://x/s.png"
    assert {name: body[name] for name in ("prompt", "aspect_ratio", "n", "model_name", "external_task_id")} == {
        "prompt": "A-cat",
        "aspect_ratio": "1:1",
        "n": 3,
        "model_name": "kling-v2-1",
        "external_task_id": "mine",
    }
    assert body["watermark_info"] == {"enabled": True}


def test_the_same_key_is_the_same_task(kiln: Said, api: PlayedApi) -> None:
    first = kiln("submit", "cat.png", "--no-wait", "--idempotency-key", "order-1")
    assert kiln("submit", "cat.png", "--no-wait", "--idempotency-key", "order-1") == first
    assert len(api.tasks) == 1


def test_json_is_what_the_api_said_and_the_files(kiln: Said) -> None:
    status, out, err = kiln("submit", "cat.png", "--json")
    said = json.loads(out)
    assert (status, err, said["files"], said["task_status"]) == (0, "", ["task-1-0.png"], "succeed")
    assert said["task_result"]["images"][0]["url"].startswith(URL)


def test_watching_in_json_tells_every_change(kiln: Said, api: PlayedApi) -> None:
    api.add("t1", course=("waiting", "succeed"))
    status, out, _ = kiln("watch", "t1", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line.get("stage") for line in lines] == ["waiting", "succeed", None]
    assert (status, lines[0]["queue_position"], lines[-1]["task_status"]) == (0, 2, "succeed")


def test_watching_prints_links_or_saves(kiln: Said, api: PlayedApi) -> None:
    api.add("t1", "t2")
    assert kiln("watch", "t1", "t2") == (0, f"{URL}/v1/results/t1/0\n{URL}/v1/results/t2/0\n", "")
    assert kiln("watch", "t2", "-o", "there") == (0, "there/t2-0.png\n", "")


def test_a_failed_task_is_one_line_and_status_1(kiln: Said, api: PlayedApi) -> None:
    api.add("good")
    api.add("bad", course=("failed",))
    status, out, err = kiln("watch", "good", "bad")
    assert (status, out) == (1, f"{URL}/v1/results/good/0\n")
    assert err == "kiln: task bad failed: Failure to pass the risk control system\n"
    assert kiln("save", "bad")[0] == 1


def test_a_list_in_a_pipe_has_tabs(kiln: Said, api: PlayedApi) -> None:
    api.add("t1", external_task_id="mine")
    api.add("t2", course=("failed",))
    assert kiln("list")[1].splitlines() == [
        "t2\tfailed\t2026-11-18T11:06:40.000+00:00\t",
        "t1\tsucceed\t2026-11-18T11:06:40.000+00:00\tmine",
    ]
    assert kiln("list", "--status", "failed", "--limit", "1")[1].count("\n") == 1
    assert [each["task_id"] for each in json.loads(kiln("list", "--json")[1])] == ["t2", "t1"]


def test_getting_saving_repeating_and_cancelling(kiln: Said, api: PlayedApi) -> None:
    api.add("t1")
    assert kiln("get", "t1") == (0, f"{URL}/v1/results/t1/0\n", "")
    assert json.loads(kiln("get", "t1", "--json")[1])["something_new"] is True
    assert kiln("save", "t1", "-o", "out") == (0, "out/t1-0.png\n", "")
    assert kiln("retry", "t1", "--no-wait") == (0, "task-1\n", "")
    assert kiln("retry", "t1") == (0, "task-2-0.png\n", "")
    api.add("t2", course=("waiting",))
    assert json.loads(kiln("cancel", "t2", "--json")[1])["task_status"] == "failed"
    assert kiln("cancel", "t1") == (1, "", "kiln: the task cannot be cancelled: it is being generated\n")


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["get", "none"], 5, "kiln: Task not found by id/external id: none"),
        (["get", "t1", "--key", "wrong", "--url", URL], 4, "kiln: the key is not known; is the key right?"),
        (["get", "t1", "--profile", "none"], 3, "kiln: there is no profile none"),
        (["submit", "nowhere.png"], 1, "kiln: nowhere.png: no such file"),
        (["submit"], 2, "kiln: Missing argument"),
        (["submit", "cat.png", "--n", "10"], 2, "kiln: Invalid value for '--n'"),
        (["save", "t1", "--output", "cat.png/there"], 1, "kiln: cat.png/there: Not a directory"),
        (["list", "--url", "kiln.example", "--key", "x"], 3, "kiln: url: must be an https:// or http:// address"),
        (["list", "--url", "http://[::1", "--key", "x"], 3, "kiln: url: must be an https:// or http:// address"),
        (["list", "--status", "done"], 2, "kiln: --status: must be one of submitted"),
        (["paint"], 2, "kiln: No such command 'paint'"),
        (
            ["watch", "slow", "--timeout", "0.1"],
            124,
            "kiln: not finished within 0.1 s: slow; to look again: kiln watch slow",
        ),
        (["save", "slow"], 1, "kiln: task slow has no images yet: it is processing"),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_status(
    kiln: Said, api: PlayedApi, arguments: list[str], status: int, complaint: str
) -> None:
    api.add("t1")
    api.add("slow", course=("generating",))
    ended, out, err = kiln(*arguments)
    assert (ended, out) == (status, "")
    assert err.startswith(complaint)
    assert err.count("\n") == 1


def test_errors_for_programs(kiln: Said, api: PlayedApi) -> None:
    status, _, err = kiln("get", "none", "--json")
    assert status == 5
    assert json.loads(err)["error"] == {
        "message": "Task not found by id/external id: none",
        "http_status": 404,
        "code": 1203,
        "request_id": "request-1",
    }


def test_nothing_answers(kiln: Said, api: PlayedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KILN_URL")
    assert kiln("list")[0] == 3
    api.first = [httpx.ConnectError("refused")]
    status, _, err = kiln("login", "--url", URL, "--key", KEY)
    assert (status, err) == (3, "kiln: nothing answers at https://kiln.example: refused\n")


def test_ctrl_c_says_how_to_go_on(kiln: Said, api: PlayedApi) -> None:
    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    api.add("t1", course=("generating",))
    api.first = [interrupted]
    assert kiln("watch", "t1", "-o", "out") == (
        130,
        "",
        "kiln: interrupted, but the task goes on; to look again: kiln watch t1 --output out\n",
    )
    api.first = [interrupted]
    status, _, err = kiln("submit", "cat.png", "--idempotency-key", "mine")
    assert (status, "--idempotency-key mine" in err) == (130, True)


def test_logging_in_keeps_what_works(kiln: Said, api: PlayedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KILN_URL")
    monkeypatch.delenv("KILN_KEY")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n"))
    assert kiln("login", "--url", URL + "/", "--profile", "shop") == (0, "", "")
    api.add("t1")
    assert kiln("list", "--profile", "shop")[1].startswith("t1\t")
    assert kiln("login", "--url", URL, "--key", "wrong", "--profile", "other")[0] == 4
    assert kiln("list", "--profile", "other")[0] == 3
    assert kiln("login", "--url", URL, "--key", KEY, "--profile", "local")[0] == 2


def test_opening_prints_the_address(kiln: Said, api: PlayedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    api.add("t1")
    assert kiln("open")[1] == f"{URL}/\n", "a key that is worth something is not printed"
    assert kiln("open", "t1")[1] == f"{URL}/v1/results/t1/0\n"
    monkeypatch.delenv("KILN_URL")
    Path(".kiln").mkdir()
    Path(".kiln/stack.json").write_text(json.dumps({"api_url": "http://127.0.0.1:8080", "api_key": "local-key"}))
    monkeypatch.delenv("KILN_KEY")
    assert kiln("open")[1] == "http://127.0.0.1:8080/#key=local-key\n"


def test_a_server_that_fails_names_its_request(kiln: Said, api: PlayedApi) -> None:
    api.first = [refusal(500, 5000, "internal error")]
    status, _, err = kiln("login", "--url", URL, "--key", KEY)
    assert (status, err) == (1, "kiln: internal error (request request-1)\n")


def test_images_are_completed_and_other_files_are_not() -> None:
    Path("photos").mkdir()
    Path("photos/dog.JPG").touch()
    Path("photos/notes.txt").touch()
    assert completing.images("") == ["cat.png", "photos/"]
    assert completing.images("ph") == ["photos/"]
    assert completing.images("photos/") == ["photos/dog.JPG"]
    assert completing.images("nowhere/") == []


def test_task_ids_are_completed_unless_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KILN_URL")
    assert completing.task_ids("t") == []


def test_without_arguments_there_is_help_and_no_complaint(kiln: Said) -> None:
    status, out, err = kiln()
    assert (status, "Usage: kiln" in out, err) == (2, True, "")
    assert kiln("--version")[1].strip()


def test_help_names_every_exit_status(kiln: Said) -> None:
    out = kiln("--help")[1]
    assert all(word in out for word in ("Exit status", "124", "130"))


def test_an_argument_that_may_be_several_is_written_once(kiln: Said) -> None:
    assert "..." not in kiln("submit", "--help")[1].replace("}...", "").replace("]...", "")
