"""The commands for operators with a running stack, from the stack's folder."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import PATIENCE_S, ROOT, SAMPLE, TASKS_PATH, call, description, until, up

KILN = "from kiln_cli.app import main; main()"


@dataclass
class Operator:
    """An operator with a shell in the folder of a local stack.

    Attributes:
        folder: The shell's folder.
        here: The content of ``stack.json``.
    """

    folder: Path
    here: dict[str, str]

    def kiln(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("KILN_", "AWS_"))}
        return subprocess.run(
            [sys.executable, "-c", KILN, *arguments],
            cwd=self.folder,
            env={**environment, "PYTHONPATH": str(ROOT / "client")},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def answer(self, *arguments: str) -> Any:
        """The document of a command with ``--json`` that succeeds."""
        done = self.kiln(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator of this module's stack."""
    folder = tmp_path_factory.mktemp("operator")
    with up(folder / ".kiln") as process:
        yield Operator(folder, description(folder / ".kiln", process))


def create(here: dict[str, str]) -> str:
    """Creates a task and returns its id."""
    subject = base64.b64encode((SAMPLE / "cat.png").read_bytes()).decode()
    task_id: str = call(here, TASKS_PATH, {"subject_image_list": [{"subject_image": subject}]})["data"]["task_id"]
    return task_id


def generate(here: dict[str, str]) -> None:
    """Creates a task and waits until it has succeeded."""
    path = f"{TASKS_PATH}/{create(here)}"
    until(lambda: call(here, path)["data"]["task_status"] == "succeed", "the task has succeeded")


def sees_one_task(here: dict[str, str]) -> bool:
    try:
        return len(call(here, TASKS_PATH)["data"]) == 1
    except urllib.error.HTTPError as refused:
        if refused.code != 401:
            raise
        return False


def test_doctor_passes_a_healthy_installation(operator: Operator) -> None:
    examined = operator.kiln("doctor")
    assert examined.returncode == 0, examined.stdout + examined.stderr
    assert "✗" not in examined.stdout
    assert operator.here["api_key"] not in examined.stdout


def test_added_caller_keeps_calling_during_a_rotation(operator: Operator) -> None:
    keys = operator.answer("callers", "add", "shop")
    shop = operator.here | {"api_key": keys["api_key"]}
    generate(shop)
    again = operator.answer("callers", "rotate", "shop")
    for key in (keys["api_key"], again["api_key"]):
        # A function looks for an unknown key at most every 15 s.
        until(partial(sees_one_task, shop | {"api_key": key}), "the key is accepted")
    operator.answer("callers", "rotate", "shop", "--finish")
    operator.answer("callers", "revoke", "shop", "--yes")
    assert [each["name"] for each in operator.answer("callers", "list")["callers"]] == ["local"]


def test_task_that_waited_while_dispatch_was_drained_has_a_history(operator: Operator) -> None:
    assert operator.kiln("dispatch", "drain", "--timeout", str(int(PATIENCE_S))).returncode == 0
    task_id = create(operator.here)
    waiting: dict[str, Any] = {}

    def waits() -> bool:
        waiting.update(operator.answer("dispatch", "status"))
        return bool(waiting["waiting"])

    until(waits, "the task waits")
    assert (waiting["next_task_id"], waiting["held"]) == (task_id, 0)
    examined = operator.kiln("doctor")
    assert examined.returncode == 1
    assert "✗ dispatch: paused since" in examined.stdout
    assert operator.kiln("task", "fail", task_id, "--reason", "Called off").returncode == 0
    operator.answer("dispatch", "resume")
    generate(operator.here)
    history: list[dict[str, Any]] = []

    def is_done() -> bool:
        history[:] = operator.answer("task", "show", task_id)["history"]
        return "workflow done" in [each["what"] for each in history]

    until(is_done, "the workflow is done")
    assert "queued" in [each["detail"] for each in history]
    assert "status failed" in [each["what"] for each in history]
    # The timer may have ended the wait before the task was failed, so there may be several.
    waits_in_queue = {each["what"] for each in history if each["where"].endswith(" AwaitTurn")}
    assert len(waits_in_queue) == 1
    assert "AwaitTurn" not in waits_in_queue, "the deployed definition has a comment"
    assert call(operator.here, f"{TASKS_PATH}/{task_id}")["data"]["task_status_msg"] == "Called off"
    again = operator.answer("task", "retry", task_id)
    assert (again["did"], again["task_id"] != task_id) == ("created", True)


def test_unknown_task_exits_5(operator: Operator) -> None:
    assert operator.kiln("task", "show", "unknown").returncode == 5


def test_folder_without_a_stack_exits_3(operator: Operator, tmp_path: Path) -> None:
    lost = Operator(tmp_path, operator.here).kiln("dispatch", "status")
    assert lost.returncode == 3
    assert "--stack" in lost.stderr
