"""CPU time of a local stack while 1,000 tasks wait, beside the same stack without tasks."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.data.figure import Figure
from benchmarks.measuring.local_stack import StackClient, wait_until
from benchmarks.measuring.sample_images import base64_of, jpeg_of_noise
from local.stack import Options, Stack

TASKS = 1_000
GOAL = 0.1
"""Of one core."""

_EMPTY_S, _WAITING_S = 60.0, 120.0
_SETTLING_S = 15.0
_SENDERS = 4
_PATIENCE_S = 1_800.0
_PARAMETERS = {"CallerTasksPerMinute": "100000"}
_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USED = 1, slice(11, 15)
"""Fields of ``/proc/PID/stat`` behind the name: the parent, and the time of a process and of its ended children."""


def measure_waiting() -> Iterator[Figure]:
    """Pause dispatch, measure, create the tasks, and measure again."""
    with tempfile.TemporaryDirectory() as folder:
        options = Options(Path(folder), parameters=_PARAMETERS)
        with Stack(options) as stack:
            crowd = _Crowd(stack)
            crowd.operate("pause")
            time.sleep(_SETTLING_S)
            empty = cores_used(_EMPTY_S)
            crowd.create()
            time.sleep(_SETTLING_S)
            waiting = cores_used(_WAITING_S)
    name = f"CPU of a local stack while {TASKS:,} tasks wait, of one core"
    yield Figure(name, f"{waiting:.3f}", "", waiting, GOAL)
    yield Figure(f"{name}, of an empty one's", f"{waiting:.3f}", f"{empty:.3f}: without tasks", waiting / empty)


def cores_used(seconds: float) -> float:
    """Return the CPU time of this process and all processes below it, per second."""
    before = cpu_seconds()
    time.sleep(seconds)
    return (cpu_seconds() - before) / seconds


def cpu_seconds() -> float:
    """Return the CPU time that this process and all processes below it have used."""
    used: dict[int, float] = {}
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # It has just ended; its parent has its time.
        process = int(path.parent.name)
        parents[process] = int(fields[_PARENT])
        used[process] = sum(map(int, fields[_USED])) / _TICKS
    mine = {os.getpid()}
    while below := {process for process, parent in parents.items() if parent in mine} - mine:
        mine |= below
    return sum(used[process] for process in mine)


class _Crowd:
    def __init__(self, stack: Stack) -> None:
        self._stack = StackClient(stack)
        self._lambda = stack.clients.client("lambda")
        pages = self._lambda.get_paginator("list_functions").paginate()
        names = [function["FunctionName"] for page in pages for function in page["Functions"]]
        (self._operate,) = [name for name in names if "-OperateFunction" in name]
        image = base64_of(jpeg_of_noise())
        self._body = {"prompt": "bench", "subject_image_list": [{"subject_image": image}]}

    def operate(self, operation: str) -> None:
        """Run an operation of ``kiln dispatch``."""
        answer = self._lambda.invoke(FunctionName=self._operate, Payload=json.dumps({"operation": operation}))
        if "FunctionError" in answer:
            raise RuntimeError(f"{operation} must succeed, got {answer['Payload'].read().decode()}")

    def create(self) -> None:
        """Create the tasks, and wait until the workflow of each is parked."""
        with ThreadPoolExecutor(_SENDERS) as senders:
            list(senders.map(lambda _: self._stack.create(self._body), range(TASKS)))
        wait_until(lambda: self._parked() >= TASKS, "every task waits", at_most_s=_PATIENCE_S, every_s=5)

    def _parked(self) -> int:
        pages: Any = self._stack.aws.dynamodb.get_paginator("scan").paginate(
            TableName=self._stack.here["table"],
            FilterExpression="attribute_exists(task_token) AND queue = :waiting",
            ExpressionAttributeValues={":waiting": {"S": "waiting"}},
            Select="COUNT",
        )
        return sum(page["Count"] for page in pages)
