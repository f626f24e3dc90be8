"""The time in the contract's and in DynamoDB's units."""

from __future__ import annotations

import time

import pytest

from kiln import clock


def test_milliseconds_and_days():
    assert clock.milliseconds() == pytest.approx(time.time() * 1_000, abs=1_000)
    assert clock.days_from_now(90) == pytest.approx(time.time() + 90 * 86_400, abs=2)
