"""Tasks a minute through the whole local stack, beside a stack whose functions make the same calls and nothing else."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.data.figure import Figure
from benchmarks.measuring.local_stack import StackClient, wait_until
from benchmarks.measuring.sample_images import base64_of, png_of
from benchmarks.measuring.tasks.bare_stack import make_bare
from local.stack import Options, Stack

TASKS = 200
ROUNDS = 4
"""The tasks are sent in this many parts, to Kiln and to the bare functions in turn."""

_WARM_TASKS = 20
_SENDERS = 4
_PATIENCE_S = 600
_PARAMETERS = {"ProviderSlots": "60", "PollAfterSeconds": "20", "CallerTasksPerMinute": "100000"}
_PROVIDER = ["--task-seconds", "1", "--pixels", "40000", "--max-slots", "60"]


def measure_throughput() -> Iterator[Figure]:
    """Run two stacks at once, of which only one is busy at a time."""
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        ways = {name: running.enter_context(_stack(folder / name)) for name in ("kiln", "bare")}
        make_bare(ways["bare"])
        for stack in ways.values():
            _serve(stack, _WARM_TASKS)
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, stack in ways.items():
                taken[name].append(_serve(stack, TASKS // ROUNDS))
    kiln, bare = (60 * TASKS / ROUNDS / statistics.median(taken[name]) for name in ("kiln", "bare"))
    yield Figure(
        f"tasks a minute through the local stack, {TASKS} tasks",
        f"{kiln:.0f}",
        f"{bare:.0f}: the same calls from bare functions",
        kiln / bare,
        0.6,
        at_least=True,
    )


def _stack(folder: Path) -> Stack:
    return Stack(Options(folder, parameters=_PARAMETERS, provider_arguments=_PROVIDER))


def _serve(stack: Stack, tasks: int) -> float:
    """Return the seconds from the first request to the end of the last workflow."""
    client = StackClient(stack)
    body = {"prompt": "bench", "subject_image_list": [{"subject_image": base64_of(png_of(20_000))}]}
    before = _ended(stack)
    started = time.monotonic()
    with ThreadPoolExecutor(_SENDERS) as senders:
        list(senders.map(lambda _: client.create(body), range(tasks)))
    wait_until(lambda: _ended(stack) - before >= tasks, f"{tasks} tasks have ended", at_most_s=_PATIENCE_S, every_s=0.1)
    return time.monotonic() - started


def _ended(stack: Stack) -> int:
    arn = stack.description["state_machine_arn"]
    pages: Any = stack.clients.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=arn, statusFilter="SUCCEEDED"
    )
    return sum(len(page["executions"]) for page in pages)
