"""From the provider's completion to ``succeed``: by callback, by timer, and for a client that polls the provider."""

from __future__ import annotations

import base64
import io
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from benchmarks.figure import Figure
from local.stack import TASKS_PATH, Options, Stack

RUNS = 12
POLLING_CLIENT_SECONDS = 3.0
"""How often public clients of the provider ask."""

_PARAMETERS = {"PollAfterSeconds": "5"}
_PROVIDER = ["--task-seconds", "1", "--pixels", "100000"]


def measure_wakeups() -> Iterator[Figure]:
    """Runs tasks one after another, the three ways in turn, and compares the medians."""
    with tempfile.TemporaryDirectory() as folder:
        options = Options(Path(folder), parameters=_PARAMETERS, provider_arguments=_PROVIDER)
        with Stack(options) as stack:
            callback, timer, polling = (statistics.median(each) for each in _measured(stack))
    reference = f"{polling:.2f} s: a client polling the provider every {POLLING_CLIENT_SECONDS:g} s"
    yield Figure("provider done → succeed, by callback", f"{callback:.2f} s", reference, callback / polling, 1 / 3)
    yield Figure("provider done → succeed, by callback, in seconds", f"{callback:.2f} s", "", callback, 1.0)
    yield Figure(
        "provider done → succeed, callback lost (PollAfterSeconds=5)", f"{timer:.2f} s", reference, timer / polling
    )


def _measured(stack: Stack) -> tuple[list[float], list[float], list[float]]:
    bench = _Bench(stack)
    bench.task()  # The functions are warm from here on.
    by_callback, by_timer, by_polling = [], [], []
    for _ in range(RUNS):
        by_callback.append(bench.task())
        bench.faults({"drop_callbacks": True})
        by_timer.append(bench.task())
        bench.faults({})
        by_polling.append(bench.polled())
    return by_callback, by_timer, by_polling


class _Bench:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        here = stack.description
        self._control = here["provider_control_url"]
        self._kiln = httpx.Client(
            base_url=here["api_url"],
            headers={"Authorization": f"Bearer {here['api_key']}"},
            timeout=30,
            trust_env=False,
        )
        provider = {"Authorization": f"Bearer {stack.provider_token()}"}
        self._provider = httpx.Client(base_url=here["provider_url"], headers=provider, timeout=30, trust_env=False)
        buffer = io.BytesIO()
        Image.effect_noise((400, 400), 60).convert("RGB").save(buffer, "JPEG")
        self._image = base64.b64encode(buffer.getvalue()).decode()

    def faults(self, faults: dict[str, Any]) -> None:
        """Sets the simulator's faults."""
        httpx.post(f"{self._control}/faults", json=faults, trust_env=False).raise_for_status()

    def task(self) -> float:
        """Seconds from the provider's completion of one task to its ``succeed`` at Kiln, by both sides' clocks."""
        task_id = self._create(self._kiln)
        done = self._until_done(self._kiln, task_id, 0.05)
        at_provider = self._data(self._provider.get(f"{TASKS_PATH}/{self._known_as(task_id)}"))
        return float(done["updated_at"] - at_provider["updated_at"]) / 1_000

    def _known_as(self, task_id: str) -> str:
        """The provider's external id of a task."""
        key = {"pk": {"S": f"TASK#{task_id}"}}
        answer = self._stack.clients.dynamodb.get_item(TableName=self._stack.description["table"], Key=key)
        return str(answer["Item"]["run_id"]["S"])

    def polled(self) -> float:
        """The same for a client of the provider that polls and downloads the image."""
        task_id = self._create(self._provider)
        done = self._until_done(self._provider, task_id, POLLING_CLIENT_SECONDS)
        httpx.get(done["task_result"]["images"][0]["url"], trust_env=False).raise_for_status()
        return time.time() - float(done["updated_at"]) / 1_000

    def _create(self, client: httpx.Client) -> str:
        body = {"subject_image_list": [{"subject_image": self._image}], "prompt": "bench"}
        return str(self._data(client.post(TASKS_PATH, json=body))["task_id"])

    def _until_done(self, client: httpx.Client, task_id: str, every: float) -> dict[str, Any]:
        ends_at = time.monotonic() + 60
        while time.monotonic() < ends_at:
            found = self._data(client.get(f"{TASKS_PATH}/{task_id}"))
            if found["task_status"] == "succeed":
                return found
            time.sleep(every)
        raise TimeoutError(f"{task_id} is still {found['task_status']}")

    @staticmethod
    def _data(answer: httpx.Response) -> dict[str, Any]:
        answer.raise_for_status()
        data: dict[str, Any] = answer.json()["data"]
        return data
