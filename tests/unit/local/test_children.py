"""Child processes of the stack end at once when it stops, however busy they are."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from local.children import Child, clean_environment

BUSY = "print(1, flush=True)\nimport time; time.sleep(60)"


def test_child_that_ignores_the_end_of_its_input_is_stopped_at_once(tmp_path: Path) -> None:
    child = Child("busy", ["timeit", "-n1", "-r1", BUSY], log=tmp_path / "log", environment=clean_environment())
    assert child.first_line() == "1\n"
    began = time.monotonic()
    child.stop()
    assert time.monotonic() - began < 2
    with pytest.raises(ProcessLookupError):
        os.killpg(child._process.pid, 0)
