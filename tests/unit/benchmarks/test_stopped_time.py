"""Stopped time: the clocks stand still, and a copy that expires by them never does."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from benchmarks.measuring.warm import stopped_time
from kiln import clock


@pytest.fixture
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    interval = sys.getswitchinterval()
    for name in ("time", "time_ns", "monotonic"):
        monkeypatch.setattr(time, name, getattr(time, name))
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_restored")
def test_stopped_clocks_show_the_same_moment_after_a_pause() -> None:
    stopped_time.stop()
    before = time.time(), time.monotonic(), clock.milliseconds()
    time.sleep(0.01)
    assert (time.time(), time.monotonic(), clock.milliseconds()) == before
    assert sys.getswitchinterval() > 60
