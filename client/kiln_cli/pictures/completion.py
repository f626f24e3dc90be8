"""Shell completion: images of the folder, and the ids of recent tasks."""

from __future__ import annotations

import contextlib
from itertools import islice
from pathlib import Path

from kiln_cli.connection import find_connection
from kiln_client import Kiln, KilnError

_SUFFIXES = {".png", ".jpg", ".jpeg"}
_TIMEOUT_SECONDS = 2.0
_RECENT = 20


def images(incomplete: str) -> list[str]:
    """Image files and folders that begin like this."""
    folder, _, name = incomplete.rpartition("/")
    found = []
    with contextlib.suppress(OSError):
        for path in sorted(Path(folder or ("/" if incomplete.startswith("/") else ".")).iterdir()):
            is_folder = path.is_dir()
            if path.name.startswith(name) and (is_folder or path.suffix.lower() in _SUFFIXES):
                before = f"{folder}/" if "/" in incomplete else ""
                found.append(before + path.name + ("/" if is_folder else ""))
    return found


def task_ids(incomplete: str) -> list[tuple[str, str]]:
    """Recent tasks with their status; none if Kiln does not answer quickly."""
    # A completion has no place for an error message.
    with contextlib.suppress(KilnError):
        here = find_connection()
        with Kiln(here.url, here.key, timeout=_TIMEOUT_SECONDS, retries=0) as kiln:
            recent = islice(kiln.list(page_size=_RECENT), _RECENT)
            return [(task.task_id, task.task_status) for task in recent if task.task_id.startswith(incomplete)]
    return []
