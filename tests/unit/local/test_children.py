"""A stack stops at once: its child processes end however busy they are, and its files are removed later."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from local.children import Child, clean_environment
from local.stack_files import remove_later

BUSY = "print(1, flush=True)\nimport time; time.sleep(60)"


def test_child_that_ignores_the_end_of_its_input_is_stopped_at_once(tmp_path: Path) -> None:
    child = Child("busy", ["timeit", "-n1", "-r1", BUSY], log=tmp_path / "log", environment=clean_environment())
    assert child.first_line() == "1\n"
    child.stop()
    assert child._process.returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.killpg(child._process.pid, 0)


def test_folder_is_removed_by_another_process(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    (folder / "worker").mkdir(parents=True)
    (folder / "worker/app.py").write_text("")
    remove_later(folder)
    assert not folder.exists()
    remove_later(folder)
    ends_at = time.monotonic() + 60
    while list(tmp_path.iterdir()) and time.monotonic() < ends_at:
        time.sleep(0.02)
    assert list(tmp_path.iterdir()) == []
