"""The time, as the contract and DynamoDB count it."""

from __future__ import annotations

import time


def milliseconds() -> int:
    """Now, in milliseconds since the epoch (contract)."""
    return time.time_ns() // 1_000_000


def days_from_now(days: int) -> int:
    """A moment ``days`` ahead, in seconds since the epoch (DynamoDB's TTL)."""
    return int(time.time()) + days * 86_400
