"""The time in the contract's and in DynamoDB's units."""

from __future__ import annotations

import time

from kiln import clock


def test_milliseconds_and_days_are_converted(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_123_456_789)
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.9)
    assert clock.milliseconds() == 1_700_000_000_123
    assert clock.days_from_now(90) == 1_700_000_000 + 90 * 86_400
