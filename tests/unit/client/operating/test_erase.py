"""``kiln callers erase``: asks with a number, refuses tasks that run, and continues until nothing is left."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from kiln_cli.operating import erase
from kiln_cli.operating.installation import Installation
from tests.unit.client.operating.conftest import Operate, Run


class Deletions:
    """A fake of the function for deletions: its answers to erasures, and the events that it got."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = [{"deleted": 0, "left": 0, "waiting": [], "running": [], **each} for each in answers]
        self.events: list[dict[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "kiln-delete"
        self.events.append(json.loads(Payload))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def deletions(installation: Installation, operate: Operate, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the answers of the function for deletions."""
    installation.outputs["DeleteFunctionName"] = "kiln-delete"
    monkeypatch.setattr(erase.time, "sleep", lambda _: None)

    def answering(*answers: dict[str, Any]) -> Deletions:
        made = Deletions(*answers)

        class Both:
            def invoke(self, **call: Any) -> Any:
                return (made if call["FunctionName"] == "kiln-delete" else operate).invoke(**call)

        installation._clients["lambda"] = Both()
        return made

    return answering


def test_erase_continues_until_nothing_is_left(kiln: Run, deletions: Any) -> None:
    made = deletions({"left": 60}, {"deleted": 50, "left": 10}, {"left": 10}, {"deleted": 10})
    shown = kiln("callers", "erase", "shop", "--yes")
    assert (shown.status, shown.out.strip()) == (0, "60 tasks of shop deleted")
    assert [each["dry_run"] for each in made.events] == [True, False, False, False]


def test_dry_run_counts_and_deletes_nothing(kiln: Run, deletions: Any) -> None:
    made = deletions({"left": 2, "waiting": ["w1"], "running": ["r1"]})
    shown = kiln("callers", "erase", "shop", "--dry-run")
    assert shown.out.strip() == "shop has 4 tasks; not ended: 1 waiting (w1), 1 running (r1)"
    assert kiln("callers", "erase", "shop", "--dry-run", "--json").json["tasks"] == 4
    assert all(each["dry_run"] for each in made.events)


@pytest.mark.parametrize(
    ("unfinished", "options", "advice"),
    [
        ({"waiting": ["w1"]}, (), "wait for their end, or cancel those that wait with --cancel; nothing was deleted"),
        ({"running": ["r1"]}, (), "1 running (r1); wait for their end; nothing was deleted"),
        ({"waiting": ["w1"], "running": ["r1"]}, ("--cancel",), "wait for their end; nothing was deleted"),
    ],
)
def test_tasks_that_have_not_ended_are_named_and_refused(
    kiln: Run, deletions: Any, unfinished: dict[str, Any], options: tuple[str, ...], advice: str
) -> None:
    made = deletions({"left": 2, **unfinished})
    refused = kiln("callers", "erase", "shop", "--yes", *options)
    assert (refused.status, advice in refused.err) == (1, True), refused.err
    assert len(made.events) == 1


def test_waiting_tasks_are_cancelled_first(kiln: Run, deletions: Any, operate: Operate) -> None:
    deletions({"waiting": ["w1", "w2"]}, {"deleted": 2})
    operate.will("fail", {"task_id": "w1", "did": "woken"})
    assert kiln("callers", "erase", "shop", "--yes", "--cancel").out.strip() == "2 tasks of shop deleted"
    assert [each["task_id"] for each in operate.events] == ["w1", "w2"]


def test_erase_without_a_terminal_says_what_to_pass(kiln: Run, deletions: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = deletions({"left": 2})
    monkeypatch.setattr("sys.stdin", io.StringIO())
    refused = kiln("callers", "erase", "shop")
    assert refused.status == 2
    assert "--yes is required when there is no terminal to ask on; nothing was deleted" in refused.err
    assert len(made.events) == 1


def test_erase_that_gets_no_further_ends_with_what_is_left(kiln: Run, deletions: Any) -> None:
    deletions({"left": 3}, {"deleted": 1, "left": 2}, {"left": 2})
    refused = kiln("callers", "erase", "shop", "--yes")
    assert (refused.status, "2 left; run the command again" in refused.err) == (1, True)


def test_task_that_arrives_meanwhile_is_named(kiln: Run, deletions: Any) -> None:
    deletions({"left": 1}, {"deleted": 1, "waiting": ["new"]})
    refused = kiln("callers", "erase", "shop", "--yes")
    assert refused.status == 1
    assert "1 waiting (new); to stop new ones, run kiln callers revoke shop" in refused.err


def test_caller_without_tasks_is_not_asked_about(kiln: Run, deletions: Any) -> None:
    deletions({})
    assert kiln("callers", "erase", "shop").out.strip() == "shop has no tasks"
