"""Waits for a task on behalf of a request: how long a request may wait, and until when."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from kiln import clock
from kiln.auth.callers import Caller, minute_limit
from kiln.contract.vocabulary import TaskStatus
from kiln.errors import TooManyWaits
from kiln.tasks.admission import Admission
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task

LONGEST_WAIT_SECONDS = 25
"""``Prefer: wait=N`` is honoured up to this, as API Gateway gives up on a function after 29 s."""

_ANSWER_SECONDS = 27
"""A waiting request is answered this long after it arrived: two seconds before API Gateway gives up."""

_LOOK_SECONDS = 0.5
_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d+)", re.IGNORECASE)

Sleep = Callable[[float], None]


def seconds_to_wait(prefer: str | None) -> int:
    """How long a ``Prefer`` header (RFC 7240) asks to wait: 0 if it does not, 25 at the most."""
    asked = _WAIT.search(prefer or "")
    return min(int(asked[1][:6]), LONGEST_WAIT_SECONDS) if asked else 0


def seconds_left(asked: int, requested_at: int) -> float:
    """How long a request may still wait of the seconds that it asked for.

    Args:
        asked: The seconds to wait from now.
        requested_at: When the gateway received the request, in milliseconds since the epoch.
    """
    return min(asked, max(0.0, _ANSWER_SECONDS - (clock.milliseconds() - requested_at) / 1_000))


def wait_for_end(task: Task, seconds: float, *, sleep: Sleep = time.sleep) -> Task:
    """The task as soon as it has ended, or as it is when the time is over."""
    return _wait(task, seconds, lambda _: False, sleep)


def wait_for_change(caller: Caller, task: Task, seconds: float, *, sleep: Sleep = time.sleep) -> Task:
    """The task as soon as its status has changed, or as it is when the time is over; an ended task at once.

    A waiting query keeps a function busy, so a caller has as many a minute as it may create tasks.

    Raises:
        TooManyWaits: The caller's minute is used up (1302).
    """
    if task.task_status.is_terminal:
        return task
    Admission().count(caller.name, per_minute=minute_limit(caller), kind=TooManyWaits)
    return _wait(task, seconds, lambda status: status is not task.task_status, sleep)


def _wait(task: Task, seconds: float, has_changed: Callable[[TaskStatus], bool], sleep: Sleep) -> Task:
    """Looks until the time is over; no look begins that would end too late if it took as long as the slowest one."""
    tasks = TaskStore()
    ends_at = time.monotonic() + seconds
    slowest = 0.0
    while not (task.task_status.is_terminal or has_changed(task.task_status)):
        looked_at = time.monotonic()
        left = ends_at - slowest - looked_at
        if left <= 0:
            break
        sleep(pause := min(_LOOK_SECONDS, left))
        task = tasks.get(task.task_id)
        slowest = max(slowest, time.monotonic() - looked_at - pause)
    return task
