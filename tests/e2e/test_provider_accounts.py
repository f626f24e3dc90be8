"""``make up PROVIDER_ACCOUNTS=3``: three accounts at the simulated provider, operated by ``kiln provider-keys``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import PATIENCE_S, command, description

KILN = "from kiln_cli.app import main; main()"
NAMES = ["default", "account-2", "account-3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a running stack with three accounts."""
    made = tmp_path_factory.mktemp("accounts")
    state = made / ".kiln"
    arguments = ("up", "--port", "0", "--provider-accounts", "3", "--state-dir", str(state))
    with command(*arguments, log=state.with_suffix(".out")) as process:
        description(state, process)
        yield made


def kiln(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KILN_", "AWS_"))}
    return subprocess.run(
        [sys.executable, "-c", KILN, "provider-keys", *arguments],
        cwd=folder,
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def here(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / ".kiln" / "stack.json").read_text())
    return found


def control(folder: Path, path: str, faults: object = None) -> tuple[int, Any]:
    body = None if faults is None else json.dumps(faults).encode()
    request = urllib.request.Request(here(folder)["provider_control_url"] + path, data=body)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_stack_describes_its_accounts(folder: Path) -> None:
    assert here(folder)["provider_accounts"] == ",".join(NAMES)
    _, stats = control(folder, "/stats")
    assert stats["by_account"] == {name: {"creates": 0, "generated": 0, "refused": 0} for name in NAMES}


def test_fault_of_an_account_is_set_by_name(folder: Path) -> None:
    faults = {"accounts": {"account-2": {"account_error": 1102}}}
    assert control(folder, "/faults", faults) == (200, faults)
    assert control(folder, "/faults", {"accounts": {"gone": {}}})[0] == 400
    assert control(folder, "/faults", {}) == (200, {})


def test_provider_accepts_the_keys_of_each_account(folder: Path) -> None:
    checked = kiln(folder, "check", "--json")
    assert checked.returncode == 0, checked.stderr
    assert [(each["name"], each["accepted"]) for each in json.loads(checked.stdout)["accounts"]] == [
        (name, True) for name in NAMES
    ]


def test_account_is_drained_removed_and_refused_with_wrong_keys(folder: Path) -> None:
    for arguments in (("drain", "account-3"), ("remove", "account-3")):
        done = kiln(folder, *arguments)
        assert done.returncode == 0, done.stderr
    added = kiln(
        folder, "add", "account-3", "--slots", "9", typed="wrong-access-key\nwrong-secret-key-of-32-characters\n"
    )
    assert added.returncode == 1
    assert "refuses the keys of account-3" in added.stderr
    listed = json.loads(kiln(folder, "list", "--json").stdout)["accounts"]
    assert [(each["name"], each["draining"]) for each in listed] == [
        ("default", False),
        ("account-2", False),
        ("account-3", True),
    ]
