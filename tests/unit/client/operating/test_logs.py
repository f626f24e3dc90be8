"""``kiln logs``: the lines of one task; and the addresses of a task in the AWS console."""

from __future__ import annotations

import json

import boto3
import pytest

from kiln_cli.operating.aws_console import task_links
from kiln_cli.operating.installation import Installation
from tests.unit.client.operating.conftest import MACHINE, Operate, Run

TASK_ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
NOW_MS = 1_795_000_000_000


@pytest.fixture
def written(installation: Installation, operate: Operate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log lines of two tasks, and one line that is no JSON."""
    client = boto3.client("logs", region_name="us-east-1")
    installation._clients["logs"] = client
    client.create_log_group(logGroupName="kiln-logs")
    client.create_log_stream(logGroupName="kiln-logs", logStreamName="one")
    lines: list[dict[str, object]] = [
        {"level": "INFO", "function_name": "submit", "message": "accepted", "task_id": TASK_ID},
        {"level": "INFO", "function_name": "submit", "message": "accepted", "task_id": "another"},
        {
            "level": "ERROR",
            "function_name": "poll",
            "message": "failed",
            "task_id": TASK_ID,
            "exception": "Traceback\nKeyError: 'x'",
        },
    ]
    step = {"outcome": "wait", "wait": 5, "reason": "no slots free"}
    info = {"level": "INFO", "task_id": TASK_ID}
    lines.append({**info, "function_name": "dispatch", "message": "dispatch", "result": step})
    lines.append({**info, "function_name": "submit", "message": "refused", "reason": "n: must be at most 9"})
    lines.append({"_aws": {"Timestamp": NOW_MS}, "task_id": TASK_ID})
    texts = [json.dumps(line) for line in lines] + [f"START {TASK_ID}"]
    client.put_log_events(
        logGroupName="kiln-logs",
        logStreamName="one",
        logEvents=[{"timestamp": NOW_MS + number, "message": text} for number, text in enumerate(texts)],
    )
    monkeypatch.setattr(Installation, "resources", lambda *_: {"Logs": "kiln-logs"})
    operate.will("show", {"task_id": TASK_ID, "created_at": NOW_MS})


@pytest.mark.usefixtures("written")
def test_lines_of_the_task_are_printed_in_order(kiln: Run) -> None:
    done = kiln("logs", TASK_ID)
    assert done.status == 0
    assert [line.split("\t")[1:] for line in done.out.splitlines()] == [
        ["INFO", "submit", "accepted"],
        ["ERROR", "poll", "failed", "KeyError: 'x'"],
        ["INFO", "dispatch", "dispatch", "wait", "no slots free"],
        ["INFO", "submit", "refused", "n: must be at most 9"],
        ["", "", f"START {TASK_ID}"],
    ]


@pytest.mark.usefixtures("written")
def test_json_prints_each_line_as_it_was_logged(kiln: Run) -> None:
    first = json.loads(kiln("logs", TASK_ID, "--json").out.splitlines()[0])
    assert first == {"level": "INFO", "function_name": "submit", "message": "accepted", "task_id": TASK_ID}


@pytest.mark.usefixtures("written")
def test_more_lines_than_the_limit_are_said(kiln: Run) -> None:
    done = kiln("logs", TASK_ID, "--limit", "2")
    assert (done.status, len(done.out.splitlines())) == (1, 2)
    assert "more than 2 lines" in done.err


def test_unknown_task_is_not_found(kiln: Run, operate: Operate) -> None:
    operate.will("show", refusal="Task not found by id: gone")
    assert kiln("logs", "gone").status == 5


def test_task_has_addresses_in_the_aws_console(installation: Installation) -> None:
    links = task_links(installation, {"task_id": TASK_ID, "run_id": f"{TASK_ID}_1"})
    execution = MACHINE.replace("stateMachine", "execution") + f":{TASK_ID}_1"
    assert links["workflow"].endswith(f"/states/home?region=us-east-1#/v2/executions/details/{execution}")
    assert f"pk=TASK%23{TASK_ID}&table=kiln-table" in links["item"]
    installation.is_local = True
    assert task_links(installation, {"task_id": TASK_ID}) == {}
