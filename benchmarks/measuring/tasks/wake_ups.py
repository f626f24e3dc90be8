"""From the provider's completion to ``succeed``: by callback, by timer, and for a client that polls the provider."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.data.figure import Figure
from benchmarks.measuring.local_stack import StackClient, created, data_of, http_client, wait_until
from benchmarks.measuring.sample_images import base64_of, jpeg_of_noise
from local.stack import TASKS_PATH, Options, Stack

RUNS = 12
POLLING_CLIENT_SECONDS = 3.0
"""How often public clients of the provider poll."""

_PARAMETERS = {"PollAfterSeconds": "5"}
_PROVIDER = ["--task-seconds", "1", "--pixels", "100000"]
_PATIENCE_S = 60.0


def measure_wake_ups() -> Iterator[Figure]:
    """Run tasks one after another, in the three ways in turn, and compare the medians."""
    with tempfile.TemporaryDirectory() as folder:
        options = Options(Path(folder), parameters=_PARAMETERS, provider_arguments=_PROVIDER)
        with Stack(options) as stack:
            callback, timer, polling = (statistics.median(each) for each in _measured(_WakeUps(stack)))
    reference = f"{polling:.2f} s: a client polling the provider every {POLLING_CLIENT_SECONDS:g} s"
    yield Figure("provider done → succeed, by callback", f"{callback:.2f} s", reference, callback / polling, 1 / 3)
    yield Figure("provider done → succeed, by callback, in seconds", f"{callback:.2f} s", "", callback, 1.0)
    yield Figure(
        "provider done → succeed, callback lost (PollAfterSeconds=5)", f"{timer:.2f} s", reference, timer / polling
    )


def _measured(wake_ups: _WakeUps) -> tuple[list[float], list[float], list[float]]:
    wake_ups.of_kiln()  # Starts every function.
    by_callback, by_timer, by_polling = [], [], []
    for _ in range(RUNS):
        by_callback.append(wake_ups.of_kiln())
        wake_ups.stack.set_faults(drop_callbacks=True)
        by_timer.append(wake_ups.of_kiln())
        wake_ups.stack.set_faults()
        by_polling.append(wake_ups.of_a_polling_client())
    return by_callback, by_timer, by_polling


class _WakeUps:
    def __init__(self, stack: Stack) -> None:
        self.stack = StackClient(stack)
        self._provider = http_client(stack.description["provider_url"], stack.provider_token())
        image = base64_of(jpeg_of_noise())
        self._body = {"subject_image_list": [{"subject_image": image}], "prompt": "bench"}

    def of_kiln(self) -> float:
        """Return the seconds from the provider's completion of one task to ``succeed``, by both sides' clocks."""
        task_id = self.stack.create(self._body)
        done = _ended(lambda: self.stack.task(task_id), every_s=0.05)
        external_id = self.stack.item(task_id)["run_id"]["S"]
        at_provider = data_of(self._provider.get(f"{TASKS_PATH}/{external_id}"))
        return float(done["updated_at"] - at_provider["updated_at"]) / 1_000

    def of_a_polling_client(self) -> float:
        """Return the same for a client of the provider that polls, and downloads the image."""
        task_id = created(self._provider, self._body)
        done = _ended(lambda: data_of(self._provider.get(f"{TASKS_PATH}/{task_id}")), every_s=POLLING_CLIENT_SECONDS)
        httpx.get(done["task_result"]["images"][0]["url"], trust_env=False).raise_for_status()
        return time.time() - float(done["updated_at"]) / 1_000


def _ended(ask: Callable[[], dict[str, Any]], *, every_s: float) -> dict[str, Any]:
    """Ask for a task until it has succeeded, and return it."""
    task: dict[str, Any] = {}

    def has_succeeded() -> bool:
        task.update(ask())
        return bool(task["task_status"] == "succeed")

    wait_until(has_succeeded, "the task succeeds", at_most_s=_PATIENCE_S, every_s=every_s)
    return task
