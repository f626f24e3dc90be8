"""Utilisation of the provider's slots while tasks wait: generation time ÷ slot time, by the provider's own record."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from benchmarks.data.figure import Figure
from benchmarks.measuring.local_stack import StackClient, created, data_of, http_client, wait_until
from benchmarks.measuring.sample_images import base64_of, jpeg_of_noise
from benchmarks.measuring.tasks.wake_ups import POLLING_CLIENT_SECONDS
from local.stack import TASKS_PATH, Options, Stack

SLOTS = 9
GENERATING_S = 6.0
COPYING_S = 6.0
GOAL = 0.95

ROUNDS_OF_KILN = 8
ROUNDS_OF_WORKERS = 4
_PATIENCE_S = 240.0
_PARAMETERS = {"ProviderSlots": str(SLOTS), "PollAfterSeconds": "60"}
_PROVIDER = ["--task-seconds", str(GENERATING_S), "--pixels", "40000", "--max-slots", str(SLOTS)]


@dataclass(frozen=True)
class Generation:
    """A task at the provider.

    Attributes:
        begin: When it was created, in seconds.
        end: When it was generated.
    """

    begin: float
    end: float


def utilisation(generations: Sequence[Generation], slots: int = SLOTS) -> float:
    """Return the share of slot time in which images were generated, from the first full house to the last create.

    Within this time tasks wait, so that every slot could be busy.
    """
    begins = sorted(each.begin for each in generations)
    first, last = begins[slots - 1], begins[-1]
    busy = sum(max(0.0, min(each.end, last) - max(each.begin, first)) for each in generations)
    return busy / (slots * (last - first))


def measure_utilisation() -> Iterator[Figure]:
    """Run a crowd through Kiln, then the same tasks through workers that each copy before they create the next."""
    with tempfile.TemporaryDirectory() as folder:
        options = Options(Path(folder), parameters=_PARAMETERS, provider_arguments=_PROVIDER)
        with Stack(options) as stack:
            run = _Run(stack)
            run.of_kiln(2 * SLOTS)  # Starts every function.
            run.slow_down_images()
            kiln, workers = run.of_kiln(ROUNDS_OF_KILN * SLOTS), run.of_workers(ROUNDS_OF_WORKERS * SLOTS)
    name = f"utilisation of {SLOTS} slots, {GENERATING_S:g} s of generating, {COPYING_S:g} s of copying"
    reference = f"{workers:.2f}: {SLOTS} workers that poll every {POLLING_CLIENT_SECONDS:g} s and copy before the next"
    yield Figure(name, f"{kiln:.3f}", "", kiln, GOAL, at_least=True)
    yield Figure(f"{name}, of the reference's", f"{kiln:.3f}", reference, kiln / workers)


class _Run:
    def __init__(self, stack: Stack) -> None:
        self._stack = StackClient(stack)
        self._provider = http_client(stack.description["provider_url"], stack.provider_token())
        image = base64_of(jpeg_of_noise())
        self._body = {"prompt": "bench", "subject_image_list": [{"subject_image": image}]}

    def of_kiln(self, tasks: int) -> float:
        """Return the utilisation of a crowd over Kiln's API."""
        before = len(self._generations())
        with ThreadPoolExecutor(4) as senders:
            task_ids = list(senders.map(lambda _: self._stack.create(self._body), range(tasks)))
        for task_id in task_ids:
            wait_until(
                partial(self._has_succeeded, task_id), f"{task_id} has succeeded", at_most_s=_PATIENCE_S, every_s=0.5
            )
        return utilisation(self._generations()[before:])

    def _has_succeeded(self, task_id: str) -> bool:
        return bool(self._stack.task(task_id)["task_status"] == "succeed")

    def of_workers(self, tasks: int) -> float:
        """Return the utilisation of workers that call the provider themselves."""
        before = len(self._generations())
        with ThreadPoolExecutor(SLOTS) as workers:
            list(workers.map(lambda _: self._work(), range(tasks)))
        return utilisation(self._generations()[before:])

    def slow_down_images(self) -> None:
        """Let the provider send images so slowly that copying one takes as long as it should, on average."""
        urls = [image["url"] for each in self._listed() for image in each["task_result"]["images"]]
        sizes = [int(httpx.head(url, trust_env=False).headers["content-length"]) for url in urls]
        self._stack.set_faults(slow_images_bps=statistics.mean(sizes) / COPYING_S)

    def _work(self) -> None:
        task_id = created(self._provider, self._body)
        while (task := data_of(self._provider.get(f"{TASKS_PATH}/{task_id}")))["task_status"] != "succeed":
            time.sleep(POLLING_CLIENT_SECONDS)
        url = task["task_result"]["images"][0]["url"]
        httpx.get(url, trust_env=False, timeout=10 * COPYING_S).raise_for_status()

    def _generations(self) -> list[Generation]:
        """Every task that the provider has generated, the oldest first."""
        return [Generation(each["created_at"] / 1_000, each["updated_at"] / 1_000) for each in reversed(self._listed())]

    def _listed(self) -> list[Any]:
        answer = self._provider.get(TASKS_PATH, params={"pageNum": 1, "pageSize": 500})
        answer.raise_for_status()
        listed: list[Any] = answer.json()["data"]
        return listed
