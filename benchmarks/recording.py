"""Records what one task calls, writes, logs and computes on the local stack: what cost and scale are worked out from.

``record(n, by_timer)`` runs one task on a stack of its own. A function's calls and CPU time are noted in its worker
(``recorder/``), writes are read from the table's stream, transitions and native calls from the executions' histories.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from benchmarks.counts import Counts
from benchmarks.observer import Observer, short_name
from local.receiver import Receiver
from local.stack import TASKS_PATH, Options, Stack

RECORDER = Path(__file__).parent / "recorder"

# The timer fires once after the generation has ended, as 30 s do for one of 24 s.
PARAMETERS = {"PollAfterSeconds": "5", "TurnCheckSeconds": "600"}
PROVIDER = ["--task-seconds", "2", "--pixels", "40000"]

PROMPT = "A lantern-lit cat on a harbour wall at dusk, painted in gouache, seen from low down. " * 4
"""Of the length that people write: a part of every write's size."""

_PATIENCE_S = 90.0
_WARM_TRIES = 10
_SOMEONE_ELSE = "0" * 32


def record(n: int, by_timer: bool) -> Counts:
    """Runs one warm task over the API, with a ``callback_url``, on a stack of its own.

    Args:
        n: How many images.
        by_timer: Whether the provider's callbacks are lost, so that the timer alone wakes the workflow.
    """
    with recorder() as stack:
        return stack.warm(lambda: stack.api_task(n, by_timer=by_timer))


@contextlib.contextmanager
def recorder() -> Iterator[Recorder]:
    """A stack whose workers note what they do, for the length of a ``with`` block."""
    with tempfile.TemporaryDirectory() as folder, Receiver() as receiver:
        notes = Path(folder) / "notes"
        notes.mkdir()
        options = Options(
            Path(folder) / "stack",
            parameters=PARAMETERS,
            aws_environment={"PYTHONPATH": str(RECORDER), "KILN_RECORDING_DIR": str(notes)},
            provider_arguments=PROVIDER,
        )
        with Stack(options) as stack:
            yield Recorder(stack, notes, receiver)


class Recorder:
    """Runs tasks one at a time and says what each has used."""

    def __init__(self, stack: Stack, notes: Path, receiver: Receiver) -> None:
        self._stack = stack
        self._here = stack.description
        self._observer = Observer(stack, notes)
        self._receiver = receiver
        self._http = httpx.Client(
            base_url=self._here["api_url"],
            headers={"Authorization": f"Bearer {self._here['api_key']}"},
            timeout=30,
            trust_env=False,
        )

    def warm(self, run: Callable[[], Counts]) -> Counts:
        """Runs something until none of its invocations was a cold start."""
        for _ in range(_WARM_TRIES):
            counts = run()
            if not any(work.cold for work in counts.work.values()):
                return counts
        raise RuntimeError(f"there was a cold start in each of {_WARM_TRIES} runs")

    def api_task(self, n: int, *, by_timer: bool = False, webhook: bool = True) -> Counts:
        """One task over the API, its input sent as Base64, from its creation to its last notification."""
        self._faults(drop_callbacks=by_timer)
        with self._observer.watch() as counts:
            self._wait_for_workflow(self._create(n, webhook=webhook))
            self._settle()
        return counts

    def dropped_task(self, n: int) -> Counts:
        """One folder with ``job.json`` and an image."""
        self._faults(drop_callbacks=False)
        bucket, folder = self._here["inbox_bucket"], f"drop-{time.time_ns()}"
        job = {"prompt": PROMPT, "n": n, "subject_image_list": [{"subject_image": "cat.jpg"}]}
        s3 = self._stack.clients.s3
        with self._observer.watch() as counts:
            s3.put_object(Bucket=bucket, Key=f"{folder}/cat.jpg", Body=_picture())
            s3.put_object(Bucket=bucket, Key=f"{folder}/job.json", Body=json.dumps(job).encode())
            outbox, result = self._here["outbox_bucket"], f"{folder}/result.json"
            _wait_until(lambda: s3.list_objects_v2(Bucket=outbox, Prefix=result).get("KeyCount"), f"there is {result}")
            self._settle()
        # The caller's own two uploads.
        counts.add_request("s3.PutObject", 2)
        return counts

    def waiting_task(self) -> Counts:
        """Two tasks where there is room for one: what they use beyond two that had room is the price of waiting."""
        self._faults(drop_callbacks=False)
        with self._someone_elses_slots(8), self._observer.watch() as counts:
            first = self._create(1)
            _wait_until(lambda: "dispatched_at" in self._item(first), "the first task runs")
            second = self._create(1)
            self._wait_for_workflow(first)
            self._wait_for_workflow(second)
            self._settle()
        return counts

    @contextlib.contextmanager
    def line_of(self, length: int) -> Iterator[None]:
        """So many tasks of nine images stand at the end of the line: none is ever called where one slot is free."""
        table, dynamodb = self._here["table"], self._stack.clients.dynamodb
        keys = [{"pk": {"S": f"LINE#{number}"}} for number in range(length)]
        places: list[Any] = [
            {
                **key,
                "task_id": {"S": f"{number:032x}"},
                "queue": {"S": "waiting"},
                "turn": {"N": str(10**9 + number)},
                "n": {"N": "9"},
            }
            for number, key in enumerate(keys)
        ]

        def write(requests: list[Any]) -> None:
            for start in range(0, length, 25):
                answer = dynamodb.batch_write_item(RequestItems={table: requests[start : start + 25]})
                if answer["UnprocessedItems"]:
                    raise RuntimeError("the table has not taken everything")

        write([{"PutRequest": {"Item": place}} for place in places])
        try:
            yield
        finally:
            write([{"DeleteRequest": {"Key": key}} for key in keys])

    def query(self) -> Counts:
        """One GET of a finished task."""
        task_id = self._finished_task()
        with self._observer.watch() as counts:
            self._http.get(f"{TASKS_PATH}/{task_id}").raise_for_status()
            self._settle()
        return counts

    def download(self) -> Counts:
        """One GET of a result link, followed to S3."""
        task = self._http.get(f"{TASKS_PATH}/{self._finished_task()}").json()["data"]
        with self._observer.watch() as counts:
            found = self._http.get(task["task_result"]["images"][0]["url"], follow_redirects=True)
            found.raise_for_status()
            self._settle()
        counts.add_request("s3.GetObject", 1)
        return counts

    def _finished_task(self) -> str:
        self._faults(drop_callbacks=False)
        task_id = self._create(1)
        self._wait_for_workflow(task_id)
        self._settle()
        return task_id

    def _create(self, n: int, *, webhook: bool = True) -> str:
        image = base64.b64encode(_picture()).decode()
        body = {"prompt": PROMPT, "n": n, "subject_image_list": [{"subject_image": image}]}
        if webhook:
            body["callback_url"] = self._receiver.url
        answer = self._http.post(TASKS_PATH, json=body)
        answer.raise_for_status()
        return str(answer.json()["data"]["task_id"])

    def _faults(self, **faults: object) -> None:
        httpx.post(f"{self._here['provider_control_url']}/faults", json=faults, trust_env=False).raise_for_status()

    def _callbacks_sent(self) -> int:
        stats = httpx.get(f"{self._here['provider_control_url']}/stats", trust_env=False).json()
        return int(stats["callbacks_sent"])

    def _item(self, task_id: str) -> dict[str, Any]:
        key = {"pk": {"S": f"TASK#{task_id}"}}
        return dict(self._stack.clients.dynamodb.get_item(TableName=self._here["table"], Key=key).get("Item", {}))

    @contextlib.contextmanager
    def _someone_elses_slots(self, number: int) -> Iterator[None]:
        names = {":others": {"SS": [f"{_SOMEONE_ELSE}#{each}" for each in range(number)]}}
        where: Any = {
            "TableName": self._here["table"],
            "Key": {"pk": {"S": "SLOTS"}},
            "ExpressionAttributeValues": names,
        }
        update = self._stack.clients.dynamodb.update_item
        update(UpdateExpression="ADD holders :others", **where)
        try:
            yield
        finally:
            update(UpdateExpression="DELETE holders :others", **where)

    def _wait_for_workflow(self, task_id: str) -> None:
        def ended() -> bool:
            found = [each for each in self._observer.executions() if each["name"].startswith(task_id)]
            return bool(found) and found[0]["status"] != "RUNNING"

        _wait_until(ended, f"the workflow of {task_id} has ended")

    def _settle(self) -> None:
        """Waits until nothing runs and every callback that was sent has been served."""

        def is_quiet() -> bool:
            served = sum(
                short_name(line["function"]) == "Callback"
                for line in self._observer.lines()
                if line["kind"] == "invocation"
            )
            is_running = any(each["status"] == "RUNNING" for each in self._observer.executions())
            return served >= self._callbacks_sent() and not is_running

        _wait_until(is_quiet, "nothing runs")


def _picture() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((400, 400), 60).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def _wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_PATIENCE_S:g} s in vain until {what}")
        time.sleep(0.05)
