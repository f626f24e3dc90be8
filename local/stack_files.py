"""The files of a running stack: ``env.sh`` for shells, ``stack.json`` for programs, and those of its functions."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SHELL_FILE = "env.sh"

_AWS = """\
aws() {
  if [ -n "${AWS_ENDPOINT_URL:-}" ]; then set -- --endpoint-url "$AWS_ENDPOINT_URL" "$@"; fi
  command aws "$@"
}"""
"""Version 1 of the aws command ignores ``AWS_ENDPOINT_URL`` for SQS, and would ask AWS itself."""


def for_shells(description: Mapping[str, str]) -> str:
    """The description as shell variables; the README's examples use them."""
    variables = {
        "KILN_URL": description["api_url"],
        "KILN_KEY": description["api_key"],
        "WEBHOOK_SECRET": description["webhook_secret"],
        "INBOX": description["inbox_bucket"],
        "OUTBOX": description["outbox_bucket"],
        "EVENT_BUS": description["event_bus"],
        "EVENTS_QUEUE": description["events_queue_url"],
        "AWS_ENDPOINT_URL": description["aws_endpoint_url"],
        "AWS_DEFAULT_REGION": description["region"],
        "AWS_ACCESS_KEY_ID": description["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": description["aws_secret_access_key"],
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    # The pinned aws command comes before any other that is installed.
    lines += [
        "unset AWS_PROFILE AWS_SESSION_TOKEN",
        f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"',
        "unalias aws 2>/dev/null || true",
        _AWS,
    ]
    return "\n".join(lines) + "\n"


def remove_later(folder: Path) -> None:
    """Removes a folder in another process, which this one does not wait for. The folder's name is free at once."""
    left = folder.with_name(f"{folder.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        folder.rename(left)
        # The shell ends at once; the removal continues in a separate session.
        removal = ["/bin/sh", "-c", 'rm -rf -- "$0" </dev/null >/dev/null 2>&1 &', str(left)]
        subprocess.run(removal, check=False, start_new_session=True)  # noqa: S603 - no input of others


def write_whole(path: Path, text: str) -> None:
    """Writes a file in one step, readable by its owner only, as it holds keys."""
    partial = path.with_suffix(".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)
