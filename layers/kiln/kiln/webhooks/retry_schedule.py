"""When a webhook is attempted again: the schedule, its jitter, and the receiver's own ``Retry-After``."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SCHEDULE_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400)
"""Waits between attempts (Standard Webhooks' example schedule): eight attempts over 31 hours."""

_JITTER = 0.1
_DATE_CHARACTERS = 128


def seconds_to_wait(attempt: int, retry_after: int = 0) -> int:
    """How long to wait after an attempt that failed.

    Args:
        attempt: How many attempts there have been, from 1 to the length of the schedule.
        retry_after: The seconds that the receiver asked for; at most the longest wait of the schedule is granted.
    """
    wait = SCHEDULE_SECONDS[attempt - 1]
    wait += int(wait * _JITTER * random.random())  # noqa: S311 - spreads retries, hides nothing
    return max(wait, min(retry_after, SCHEDULE_SECONDS[-1]))


def seconds_until(retry_after: str) -> int:
    """The seconds that ``Retry-After`` asks for, as a number or as a date (RFC 9110); 0 for anything else."""
    if retry_after.isdecimal():
        return int(retry_after[:9])
    try:
        at = parsedate_to_datetime(retry_after[:_DATE_CHARACTERS])
        # A date without a zone is one of UTC, and so are those of HTTP.
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(tz=UTC)).total_seconds()
    except (ValueError, OverflowError, TypeError, IndexError):
        # The standard library raises all of these for dates that are none.
        return 0
    return max(0, math.ceil(seconds))
