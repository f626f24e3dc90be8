"""The commands for pictures in a pipe: stdout, stderr and exit status."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from kiln_cli.pictures import completion
from tests.support.fake_api import KEY, URL, FakeApi, refusal, success
from tests.support.images import picture
from tests.unit.client.conftest import Run

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def kiln(command: Run) -> Run:
    return command


def test_submit_in_a_pipe_prints_only_paths(kiln: Run) -> None:
    assert kiln("submit", "cat.png", "--n", "2", "--output", "out") == (0, "out/task-1-0.png\nout/task-1-1.jpg\n", "")
    assert Path("out/task-1-0.png").read_bytes() == picture()


def test_submit_sends_all_options(kiln: Run, api: FakeApi) -> None:
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


def test_same_idempotency_key_returns_the_same_task(kiln: Run, api: FakeApi) -> None:
    first = kiln("submit", "cat.png", "--no-wait", "--idempotency-key", "order-1")
    assert kiln("submit", "cat.png", "--no-wait", "--idempotency-key", "order-1") == first
    assert len(api.tasks) == 1


def test_submit_json_has_the_answer_and_the_files(kiln: Run) -> None:
    status, out, err = kiln("submit", "cat.png", "--json")
    said = json.loads(out)
    assert (status, err, said["files"], said["task_status"]) == (0, "", ["task-1-0.png"], "succeed")
    assert said["task_result"]["images"][0]["url"].startswith(URL)


def test_watch_json_prints_every_change(kiln: Run, api: FakeApi) -> None:
    api.add("t1", stages=("waiting", "succeed"))
    status, out, _ = kiln("watch", "t1", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line.get("stage") for line in lines] == ["waiting", "succeed", None]
    assert (status, lines[0]["queue_position"], lines[-1]["task_status"]) == (0, 2, "succeed")


def test_watch_prints_links_or_saves_with_output(kiln: Run, api: FakeApi) -> None:
    api.add("t1", "t2")
    assert kiln("watch", "t1", "t2") == (0, f"{URL}/v1/results/t1/0\n{URL}/v1/results/t2/0\n", "")
    assert kiln("watch", "t2", "-o", "there") == (0, "there/t2-0.png\n", "")


def test_failed_task_prints_one_line_and_exits_1(kiln: Run, api: FakeApi) -> None:
    api.add("good")
    api.add("bad", stages=("failed",))
    status, out, err = kiln("watch", "good", "bad")
    assert (status, out) == (1, f"{URL}/v1/results/good/0\n")
    assert err == "kiln: task bad failed: Failure to pass the risk control system\n"
    assert kiln("save", "bad")[0] == 1


def test_list_in_a_pipe_has_tabs(kiln: Run, api: FakeApi) -> None:
    api.add("t1", external_task_id="mine")
    api.add("t2", stages=("failed",))
    assert kiln("list")[1].splitlines() == [
        "t2\tfailed\t2026-11-18T11:06:40.000+00:00\t",
        "t1\tsucceed\t2026-11-18T11:06:40.000+00:00\tmine",
    ]
    assert kiln("list", "--status", "failed", "--limit", "1")[1].count("\n") == 1
    assert [each["task_id"] for each in json.loads(kiln("list", "--json")[1])] == ["t2", "t1"]


def test_get_save_retry_and_cancel_in_a_pipe(kiln: Run, api: FakeApi) -> None:
    api.add("t1")
    assert kiln("get", "t1") == (0, f"{URL}/v1/results/t1/0\n", "")
    assert json.loads(kiln("get", "t1", "--json")[1])["something_new"] is True
    assert kiln("save", "t1", "-o", "out") == (0, "out/t1-0.png\n", "")
    assert kiln("retry", "t1", "--no-wait") == (0, "task-1\n", "")
    assert kiln("retry", "t1") == (0, "task-2-0.png\n", "")
    api.add("t2", stages=("waiting",))
    assert json.loads(kiln("cancel", "t2", "--json")[1])["task_status"] == "failed"
    assert kiln("cancel", "t1") == (1, "", "kiln: the task cannot be cancelled: it is being generated\n")


def test_delete_asks_first_and_names_what_it_cannot_delete(
    kiln: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.add("t1", "t2", "t3")
    api.add("runs", stages=("generating",))
    need = "kiln: --yes is required when there is no terminal to ask on; nothing was deleted\n"
    assert kiln("delete", "t1") == (2, "", need)
    status, out, err = kiln("delete", "runs", "t1", "--yes", "--json")
    assert (status, json.loads(out)) == (1, {"id": "t1", "deleted": True})
    assert json.loads(err)["error"]["message"] == "runs: the task cannot be deleted: it is processing"
    assert kiln("delete", "t1", "--yes") == (5, "", "kiln: Task not found by id/external id: t1\n")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda question, **_: question.startswith("Delete 2 tasks"))
    assert kiln("delete", "t2")[2] == "kiln: nothing was deleted\n"
    assert kiln("delete", "t2", "t3")[0] == 0
    assert set(api.tasks) == {"runs"}


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["get", "none"], 5, "kiln: Task not found by id/external id: none"),
        (["get", "t1", "--key", "wrong", "--url", URL], 4, "kiln: unknown key; check your key"),
        (["get", "t1", "--profile", "none"], 2, "kiln: no profile none"),
        (["submit", "nowhere.png"], 2, "kiln: nowhere.png: no such file"),
        (["submit"], 2, "kiln: IMAGE: must be 1 to 4 images, got 0"),
        (["submit", "cat.png", "-n", "12"], 2, "kiln: --n: must be a number from 1 to 9, got 12\n"),
        (["submit", "cat.png", "--n", "many"], 2, "kiln: --n: must be a number from 1 to 9, got many\n"),
        (["submit", "cat.png", "--timeout", "-1"], 2, "kiln: --timeout: must be a number from 0, got -1\n"),
        (["submit", "cat.png", "--output", "cat.png"], 2, "kiln: Invalid value for '--output'"),
        (["submit", "cat.png", "--ratio", "5:7"], 2, "kiln: --ratio: must be one of 16:9, "),
        (["submit", "cat.png", "--model", "x"], 2, "kiln: --model: must be one of kling-v2, "),
        (["submit", "cat.png", "--callback-url", "x"], 2, "kiln: --callback-url: must start with https://"),
        (["submit", "cat.png", "-p", "x" * 2_501], 2, "kiln: --prompt: must be at most 2,500 characters, got 2,501"),
        (["rerun", "t1", "-p", "x" * 2_501], 2, "kiln: --prompt: must be at most 2,500 characters, got 2,501"),
        (["submit", *["cat.png"] * 5], 2, "kiln: IMAGE: must be 1 to 4 images, got 5"),
        (["submit", "cat.png", "--scene", "nowhere.png"], 2, "kiln: nowhere.png: no such file"),
        (["login"], 2, "kiln: --url is required when there is no terminal to ask on"),
        (["save", "t1", "--output", "cat.png/there"], 1, "kiln: cat.png/there: Not a directory"),
        (["list", "--url", "kiln.example", "--key", "x"], 2, "kiln: url: must start with https:// or http://, got "),
        (["list", "--url", "http://[::1", "--key", "x"], 2, "kiln: url: must start with https:// or http://, got "),
        (["list", "--status", "done"], 2, "kiln: --status: must be one of submitted"),
        (["paint"], 2, "kiln: No such command 'paint'"),
        (
            ["watch", "slow", "--timeout", "0.1"],
            124,
            "kiln: not finished within 0.1 s: slow; to watch again: kiln watch slow",
        ),
        (["save", "slow"], 1, "kiln: task slow has no images yet: its status is processing"),
    ],
)
def test_error_prints_one_line_and_sets_the_exit_status(
    kiln: Run, api: FakeApi, arguments: list[str], status: int, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.add("t1")
    api.add("slow", stages=("generating",))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ended, out, err = kiln(*arguments)
    assert (ended, out) == (status, "")
    assert err.startswith(complaint)
    assert err.count("\n") == 1


def test_error_with_json_is_a_document(kiln: Run, api: FakeApi) -> None:
    status, _, err = kiln("get", "none", "--json")
    assert status == 5
    assert json.loads(err)["error"] == {
        "message": "Task not found by id/external id: none",
        "http_status": 404,
        "code": 1203,
        "request_id": "request-1",
    }


def test_unreachable_api_exits_3(kiln: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KILN_URL")
    assert kiln("list")[0] == 3
    api.first = [httpx.ConnectError("refused")]
    status, _, err = kiln("login", "--url", URL, "--key", KEY)
    assert (status, err) == (3, "kiln: no answer from https://kiln.example: refused\n")


def test_ctrl_c_prints_how_to_continue(kiln: Run, api: FakeApi) -> None:
    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    api.add("t1", stages=("generating",))
    api.first = [interrupted]
    assert kiln("watch", "t1", "-o", "out") == (
        130,
        "",
        "kiln: interrupted, but the task keeps running; to watch again: kiln watch t1 --output out\n",
    )
    api.first = [interrupted]
    status, _, err = kiln("submit", "cat.png", "--idempotency-key", "mine")
    assert (status, "--idempotency-key mine" in err) == (130, True)


def test_login_stores_only_a_key_that_works(kiln: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KILN_URL")
    monkeypatch.delenv("KILN_KEY")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}\n"))
    assert kiln("login", "--url", URL + "/", "--profile", "shop") == (0, "", "")
    api.add("t1")
    assert kiln("list", "--profile", "shop")[1].startswith("t1\t")
    assert kiln("login", "--url", URL, "--key", "wrong", "--profile", "other")[0] == 4
    assert kiln("list", "--profile", "other")[0] == 2, "a refused key is not stored"
    assert kiln("login", "--url", URL, "--key", KEY, "--profile", "local")[0] == 2


def test_open_prints_only_the_local_key(kiln: Run, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    api.add("t1")
    assert kiln("open")[1] == f"{URL}/\n", "the key of a deployed Kiln is not printed"
    assert kiln("open", "t1")[1] == f"{URL}/v1/results/t1/0\n"
    monkeypatch.delenv("KILN_URL")
    Path(".kiln").mkdir()
    Path(".kiln/stack.json").write_text(json.dumps({"api_url": "http://127.0.0.1:8080", "api_key": "local-key"}))
    monkeypatch.delenv("KILN_KEY")
    assert kiln("open")[1] == "http://127.0.0.1:8080/#key=local-key\n"


def test_server_error_prints_the_request_id(kiln: Run, api: FakeApi) -> None:
    api.first = [refusal(500, 5000, "internal error")]
    status, _, err = kiln("login", "--url", URL, "--key", KEY)
    assert (status, err) == (1, "kiln: internal error (request request-1)\n")


def test_completion_offers_images_and_folders_only() -> None:
    Path("photos").mkdir()
    Path("photos/dog.JPG").touch()
    Path("photos/notes.txt").touch()
    assert completion.images("") == ["cat.png", "photos/"]
    assert completion.images("ph") == ["photos/"]
    assert completion.images("photos/") == ["photos/dog.JPG"]
    assert completion.images("nowhere/") == []


def test_completion_offers_no_ids_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KILN_URL")
    assert completion.task_ids("t") == []


def test_no_arguments_print_help_without_an_error(kiln: Run) -> None:
    status, out, err = kiln()
    assert (status, "Usage: kiln" in out, err) == (2, True, "")
    assert kiln("--version")[1].strip()


def test_help_lists_exit_statuses(kiln: Run) -> None:
    out = kiln("--help")[1]
    assert all(word in out for word in ("Exit status", "124", "130"))


def test_repeatable_argument_is_shown_once_in_help(kiln: Run) -> None:
    assert "..." not in kiln("submit", "--help")[1].replace("}...", "").replace("]...", "")


def test_field_without_effect_is_one_line_on_stderr(kiln: Run, api: FakeApi) -> None:
    created = {"task_id": "task-1", "task_status": "submitted", "created_at": 1, "updated_at": 1}
    api.first = [httpx.Response(200, json={"code": 0, "data": created}, headers={"Kiln-Ignored-Fields": "seed"})]
    status, out, err = kiln("submit", "cat.png", "--no-wait")
    assert (status, out) == (0, "task-1\n")
    assert err == "kiln: warning: these fields have no effect: seed\n"


def test_usage_prints_a_row_for_each_day(kiln: Run, api: FakeApi) -> None:
    status, out, _ = kiln("usage", "--from", "2026-11-01", "--to", "2026-11-28")
    assert (status, out) == (0, "2026-11-27\t16.5\t1\t2\t1\n2026-11-28\t8\t1\t2\t1\n")
    assert dict(api.requests[-1].url.params) == {"by": "day", "from": "2026-11-01", "to": "2026-11-28"}
    assert [day["units"] for day in json.loads(kiln("usage", "--json")[1])] == ["16.5", "8"]
    assert kiln("usage", "--from", "November")[0] == 2


def test_usage_of_a_time_that_ends_before_it_begins_is_wrong_usage(kiln: Run, api: FakeApi) -> None:
    status, _, err = kiln("usage", "--from", "2026-12-01", "--to", "2026-11-01")
    assert (status, "--to: must not be before --from (2026-12-01), got 2026-11-01" in err) == (2, True)
    assert api.requests == []


def test_usage_shows_a_person_the_total(kiln: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", kiln("usage")[1])
    assert shown.split()[-5:] == ["total", "24.5", "2", "4", "2"]


@pytest.mark.parametrize(
    ("answer", "status", "shown"),
    [
        ({"is_delivered": True, "http_status": 204, "signature_headers": ["webhook-id"]}, 0, "HTTP 204 after 7 ms"),
        ({"is_delivered": False, "reason": "HTTP 500", "signature_headers": ["webhook-signature"]}, 1, "HTTP 500"),
    ],
)
def test_webhook_test_prints_the_receivers_answer(
    kiln: Run, api: FakeApi, answer: dict[str, Any], status: int, shown: str
) -> None:
    api.first = [success({**answer, "milliseconds": 7})]
    ended, out, err = kiln("webhooks", "test", "https://x.example/hook")
    assert (ended, shown in out + err) == (status, True)
    assert [json.loads(each.content) for each in api.received("POST", "/live/v1/webhooks/test")] == [
        {"url": "https://x.example/hook"}
    ]
    assert kiln("webhooks", "test", "x.example")[0] == 2


def test_submit_sends_the_statuses_to_notify_of(kiln: Run, api: FakeApi) -> None:
    assert kiln("submit", "cat.png", "--callback-statuses", "succeed,failed")[0] == 0
    assert api.created()[0]["callback_statuses"] == ["succeed", "failed"]
    assert kiln("submit", "cat.png", "--callback-statuses", "done")[0] == 2


def test_submit_of_a_folder_makes_a_task_for_each_picture(kiln: Run, api: FakeApi) -> None:
    Path("cats").mkdir()
    for name in ("b.png", "a.PNG", "notes.txt"):
        Path("cats", name).write_bytes(picture())
    status, out, err = kiln("submit", "cats", "--each", "--prompt", "A cat", "--output", "out", "--external-id", "mine")
    assert (status, out) == (0, "out/job-1-0.png\nout/job-2-0.png\n")
    assert err == ""
    [sent] = api.received("POST", "/live/v1/batches")
    body = json.loads(sent.content)
    assert body["external_batch_id"] == "mine"
    assert [job["prompt"] for job in body["jobs"]] == ["A cat", "A cat"]


def test_submit_of_a_file_makes_a_task_for_each_line(kiln: Run, api: FakeApi) -> None:
    lines = [
        {"prompt": "One", "subject_image_list": ["cat.png"]},
        {"subject_image_list": [{"subject_image": "https://x/cat.png"}], "scene_image": "cat.png", "n": 3},
    ]
    Path("jobs.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n", "utf-8")
    assert kiln("submit", "--jobs", "jobs.jsonl", "--prompt", "Many", "--n", "2", "--no-wait")[:2] == (0, "batch-1\n")
    [sent] = api.received("POST", "/live/v1/batches")
    jobs = json.loads(sent.content)["jobs"]
    assert [(job["prompt"], job["n"]) for job in jobs] == [("One", 2), ("Many", 3)]
    assert jobs[1]["subject_image_list"] == [{"subject_image": "https://x/cat.png"}]


def test_refused_jobs_are_named_and_the_others_run(kiln: Run, api: FakeApi) -> None:
    api.refused_jobs = [{"job": 2, "code": 1201, "message": "n: must be at most 9"}]
    Path("jobs.jsonl").write_text('{"subject_image_list": ["cat.png"]}\n' * 2, "utf-8")
    status, out, err = kiln("submit", "--jobs", "jobs.jsonl", "--output", "out")
    assert (status, out.count("out/job-")) == (1, 2)
    assert err == "kiln: job 2 is refused: n: must be at most 9\n"


@pytest.mark.parametrize(
    ("lines", "arguments", "message"),
    [
        ("{", ["--jobs", "jobs.jsonl"], "line 1 must be a JSON object"),
        ("[]", ["--jobs", "jobs.jsonl"], "line 1 must be a JSON object, got list"),
        ('{"promt": "x"}', ["--jobs", "jobs.jsonl"], "line 1 has unknown fields: promt"),
        ("", ["--jobs", "jobs.jsonl"], "must have 1 to 100 jobs, got 0"),
        ("{}", ["cat.png", "--jobs", "jobs.jsonl"], "--jobs: must not be passed with IMAGE"),
        ("{}", ["cat.png", "cat.png", "--each"], "--each: IMAGE must be one folder, got 2"),
        ("{}", ["--jobs", "none.jsonl"], "none.jsonl: No such file or directory"),
        ("{}", ["none", "--each"], "none: No such file or directory"),
        ("{}", [], "IMAGE: must be 1 to 4 images, got 0"),
        ('{"subject_image_list": ["no.png"]}', ["--jobs", "jobs.jsonl"], "no.png: no such file"),
        ('{"scene_image": "jobs.jsonl"}', ["--jobs", "jobs.jsonl"], "jobs.jsonl: must be a JPEG or PNG image"),
        ("{}", ["damaged", "--each"], "damaged/cat.png: must be a whole image, got a PNG that is cut short"),
        ("{}", ["--jobs", "jobs.jsonl", "--web"], "--web: must not be passed with --jobs or --each"),
        ("{}", ["damaged", "--each", "--callback-statuses", "failed"], "--callback-statuses: must not be passed with"),
    ],
)
def test_wrong_batch_is_refused_before_anything_is_sent(
    watched: Run, api: FakeApi, lines: str, arguments: list[str], message: str
) -> None:
    Path("damaged").mkdir()
    Path("damaged/cat.png").write_bytes(picture()[:-20])
    Path("jobs.jsonl").write_text(lines, "utf-8")
    status, _, err = watched("submit", *arguments)
    assert (status, message in err, "Sending" in err) == (2, True, False), err
    assert api.requests == []


def test_batch_show_prints_the_counts_and_the_tasks(kiln: Run, api: FakeApi) -> None:
    api.add("job-1", "job-2")
    assert kiln("batch", "show", "batch-1") == (
        0,
        "job-1\tsucceed\t\njob-2\tsucceed\t\n",
        "",
    )
    assert json.loads(kiln("batch", "cancel", "batch-1", "--json")[1])["batch_id"] == "batch-1"
