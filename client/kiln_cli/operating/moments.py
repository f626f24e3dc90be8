"""Moments and durations in words, always in UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def clock_time(milliseconds: float) -> str:
    """``21:03:11.042``."""
    return datetime.fromtimestamp(milliseconds / 1_000, tz=UTC).isoformat(timespec="milliseconds")[11:23]


def date_and_time(milliseconds: float) -> str:
    """``2026-11-22 21:03:11 UTC``."""
    return f"{datetime.fromtimestamp(milliseconds / 1_000, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"


def timestamp(milliseconds: float) -> str:
    """``2026-11-22T21:03:11.042+00:00``, for programs."""
    return datetime.fromtimestamp(milliseconds / 1_000, tz=UTC).isoformat(timespec="milliseconds")


def since(milliseconds: float, now: float | None = None) -> str:
    """The age of a moment: ``3 min``."""
    return duration((time.time() if now is None else now) - milliseconds / 1_000)


def duration(seconds: float) -> str:
    """At most the two largest units: ``850 ms``, ``12.3 s``, ``4 min 5 s``, ``2 h 10 min``, ``3 d 4 h``."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1_000))} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
