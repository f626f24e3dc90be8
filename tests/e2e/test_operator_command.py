"""An operator's path from outside: the command ``kiln`` on a running stack, with nothing but the folder it is in."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import ROOT, SAMPLE, TASKS_PATH, call, description, until, up

KILN = "from kiln_cli.app import main; main()"


@dataclass
class Operator:
    """Somebody with a shell in the folder of a local stack.

    Attributes:
        folder: Where the shell is.
        here: What ``stack.json`` says.
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
            timeout=120,
            check=False,
        )

    def asks(self, *arguments: str) -> Any:
        """What a command answers with ``--json``, when it is content."""
        done = self.kiln(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator of a stack of this module's own."""
    folder = tmp_path_factory.mktemp("operator")
    with up(folder / ".kiln") as process:
        yield Operator(folder, description(folder / ".kiln", process))


def create(here: dict[str, str]) -> str:
    """Creates a task and gives its id."""
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


def test_a_well_installation_passes_the_doctor(operator: Operator) -> None:
    examined = operator.kiln("doctor")
    assert examined.returncode == 0, examined.stdout + examined.stderr
    assert "✗" not in examined.stdout
    assert operator.here["api_key"] not in examined.stdout


def test_whoever_is_let_in_can_call_and_whoever_is_rotated_goes_on(operator: Operator) -> None:
    keys = operator.asks("callers", "add", "shop")
    shop = operator.here | {"api_key": keys["api_key"]}
    generate(shop)
    anew = operator.asks("callers", "rotate", "shop")
    for key in (keys["api_key"], anew["api_key"]):
        # Functions look for keys that they do not know every 15 s at most.
        until(lambda key=key: sees_one_task(shop | {"api_key": key}), "the key lets in")
    operator.asks("callers", "rotate", "shop", "--finish")
    operator.asks("callers", "revoke", "shop", "--yes")
    assert [each["name"] for each in operator.asks("callers", "list")["callers"]] == ["local"]


def test_dispatch_is_drained_and_resumed_and_the_whole_story_is_shown(operator: Operator) -> None:
    assert operator.kiln("dispatch", "drain", "--timeout", "60").returncode == 0
    task_id = create(operator.here)
    waiting: dict[str, Any] = {}

    def waits() -> bool:
        waiting.update(operator.asks("dispatch", "status"))
        return bool(waiting["waiting"])

    until(waits, "the task waits")
    assert (waiting["next_task_id"], waiting["held"]) == (task_id, 0)
    examined = operator.kiln("doctor")
    assert examined.returncode == 1
    assert "✗ dispatch: paused since" in examined.stdout
    assert operator.kiln("task", "fail", task_id, "--reason", "Called off").returncode == 0
    operator.asks("dispatch", "resume")
    generate(operator.here)
    told: list[str] = []

    def is_told() -> bool:
        told[:] = [each["what"] for each in operator.asks("task", "show", task_id)["history"]]
        return "workflow done" in told

    until(is_told, "its workflow is done")
    assert "no slots for it: stands in line" in told
    assert "status failed" in told
    assert call(operator.here, f"{TASKS_PATH}/{task_id}")["data"]["task_status_msg"] == "Called off"
    anew = operator.asks("task", "retry", task_id)
    assert (anew["did"], anew["task_id"] != task_id) == ("created", True)


def test_no_such_task_has_an_exit_status_of_its_own(operator: Operator) -> None:
    assert operator.kiln("task", "show", "nobody").returncode == 5


def test_elsewhere_it_says_how_to_name_an_installation(operator: Operator, tmp_path: Path) -> None:
    lost = Operator(tmp_path, operator.here).kiln("dispatch", "status")
    assert lost.returncode == 3
    assert "--stack" in lost.stderr
