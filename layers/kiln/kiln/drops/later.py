"""Schedules work on a folder as messages of the inbox queue: a later check, and the next jobs of a long list."""

from __future__ import annotations

import json
from typing import Any

from kiln import aws, clock
from kiln.drops.ledger import DropLedger
from kiln.settings import InboxSettings, load

MOST_CHECKS = 12
"""A folder in which files keep arriving is checked so many times before Kiln stops waiting for a pause."""

_LONGEST_DELAY_SECONDS = 900


def check_later(bucket: str, folder: str, seconds: int, *, checks: int = 0) -> None:
    """Schedules a check of a folder, unless one is due by then; hundreds of files need one check.

    Two processes at a time may schedule two, which do the same. The message is sent before it is recorded, so that no
    crash loses it.

    Args:
        bucket: The inbox.
        folder: Without a trailing slash.
        seconds: From now; SQS delays a message by 900 at most.
        checks: How often the folder has been checked without a result.
    """
    ledger = DropLedger()
    seconds = min(max(seconds, 0), _LONGEST_DELAY_SECONDS)
    now = clock.milliseconds()
    due = now + seconds * 1_000
    if now < ledger.notes(folder).check_due <= due:
        return
    _send({"check_again": {"bucket": bucket, "folder": folder, "checks": checks}}, seconds)
    ledger.check_scheduled(folder, due)


def jobs_later(bucket: str, folder: str, first: int, *, is_last_check: bool = False) -> None:
    """Schedules the jobs of a list from one on, so that one message begins a bounded number."""
    _send({"next_jobs": {"bucket": bucket, "folder": folder, "first": first, "is_last_check": is_last_check}}, 0)


def _send(message: dict[str, Any], seconds: int) -> None:
    aws.sqs().send_message(
        QueueUrl=load(InboxSettings).queue_url, DelaySeconds=seconds, MessageBody=json.dumps(message)
    )
