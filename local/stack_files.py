"""The files that describe a running stack: ``env.sh`` for shells, beside ``stack.json`` for programs."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

SHELL_FILE = "env.sh"


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
    ]
    return "\n".join(lines) + "\n"


def write_whole(path: Path, text: str) -> None:
    """Writes a file in one step, readable by its owner only, as it holds keys."""
    partial = path.with_suffix(".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)
