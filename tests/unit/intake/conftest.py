"""An inbox to drop files into."""

from __future__ import annotations

import pytest

from tests.unit.intake.dropping import Inbox


@pytest.fixture
def inbox(cloud, monkeypatch) -> Inbox:
    """Its second looks are due at once."""
    monkeypatch.setenv("DROP_WAIT_SECONDS", "0")
    return Inbox(cloud)
