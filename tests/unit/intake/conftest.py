"""An inbox to drop files into, and a clock that stands still."""

from __future__ import annotations

import time

import pytest

from tests.unit.intake.dropping import Inbox


@pytest.fixture
def inbox(cloud, monkeypatch) -> Inbox:
    """Its second looks are due at once."""
    monkeypatch.setenv("DROP_WAIT_SECONDS", "0")
    return Inbox(cloud)


@pytest.fixture
def one_minute(monkeypatch) -> None:
    """No minute ends while the test runs."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
