"""Fixtures of every handler's test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _deployed(cloud, executions) -> None:
    """Everything the template gives a function."""
