"""The files of a running stack: the shell's commands reach the local AWS alone."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from local.stack import FolderTakenError, _claim
from local.stack_files import for_shells


@pytest.fixture
def shell_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``env.sh`` of a stack; its aws command prints its arguments."""
    command = tmp_path / "bin" / "aws"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    command.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(command.with_name("python")))
    file = tmp_path / "env.sh"
    file.write_text(for_shells(defaultdict(str, aws_endpoint_url="http://127.0.0.1:9", webhook_secret="whsec_x")))
    return file


def run(file: Path, command: str) -> str:
    script = f'set -eu; . "{file}"; {command}'
    return subprocess.run(["/bin/sh", "-c", script], check=True, capture_output=True, text=True).stdout


def test_aws_command_of_the_shell_asks_the_local_aws_for_every_service(shell_file: Path) -> None:
    said = run(shell_file, 'aws sqs receive-message --queue-url "a b"')
    assert said == "<--endpoint-url><http://127.0.0.1:9><sqs><receive-message><--queue-url><a b>"


def test_aws_command_without_a_local_endpoint_is_unchanged(shell_file: Path) -> None:
    assert run(shell_file, "unset AWS_ENDPOINT_URL; aws s3 ls") == "<s3><ls>"


def test_shell_has_the_webhook_secret(shell_file: Path) -> None:
    assert run(shell_file, 'printf %s "$WEBHOOK_SECRET"') == "whsec_x"


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"api_url": "http://127.0.0.1:8081"}, "is running in .*: http://127.0.0.1:8081"),
        (None, "is starting in"),
    ],
)
def test_second_stack_in_a_folder_names_the_first_one(
    tmp_path: Path, described: dict[str, str] | None, said: str
) -> None:
    if described:
        (tmp_path / "stack.json").write_text(json.dumps(described))
    with (tmp_path / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(FolderTakenError, match=said), _claim(tmp_path, removes_later=False):
            pass
