"""What ``make run`` shows: a sample job dropped into the inbox, its way through the workflow, and its images."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console

from local import function_logs
from local.clients import AwsClients
from local.stack import TASKS_PATH, Stack

TIMEOUT_SECONDS = 120


class TourError(Exception):
    """The job did not bring the images that it asked for."""


@dataclass(frozen=True)
class Stage:
    """A state of the workflow that a task has entered."""

    name: str
    entered: datetime


class Tour:
    """One sample job, from the drop to the pictures.

    Attributes:
        done: Whether the images have arrived.
    """

    def __init__(self, console: Console, sample: Path, results: Path) -> None:
        self.done = False
        self._console = console
        self._sample = sample
        self._results = results

    def show(self, stack: Stack) -> None:
        """Drops the job and follows it to its end.

        Raises:
            TourError: It failed, took too long, or brought something else than images.
        """
        here = stack.description
        job = self._sample.name
        wanted = int(json.loads((self._sample / "job.json").read_text(encoding="utf-8")).get("n", 1))
        self._console.print(f"\n[bold]Dropping {self._sample}/ into s3://{here['inbox_bucket']}/{job}/[/bold]")
        dropped = time.time()
        # job.json goes first, as a file that waits for the others may.
        for path in sorted(self._sample.iterdir(), key=lambda each: each.name != "job.json"):
            stack.clients.s3.put_object(Bucket=here["inbox_bucket"], Key=f"{job}/{path.name}", Body=path.read_bytes())
            self._tell(dropped, f"dropped {path.name}")
        result = self._follow(stack, job, dropped)
        files = self._download(stack.clients, here["outbox_bucket"], job)
        images = [(file, _look_at(file)) for file in files if file.suffix != ".json"]
        if len(images) != wanted:
            raise TourError(f"{wanted} images were asked for, {len(images)} arrived in {self._results / job}")
        self.done = True
        self._tell(dropped, f"[bold green]{wanted} images have arrived[/bold green]")
        self._console.print("\n[bold]The images[/bold]")
        for file, kind in images:
            self._console.print(f"  {file}  ({kind})")
        self._console.print("[bold]The same by link and in the bucket[/bold]")
        for link in _links(result):
            self._console.print(f"  {link}")
        self._console.print(f"  s3://{here['outbox_bucket']}/{job}/")
        self._console.print("[bold]The same by the API[/bold]")
        call = f"curl -H 'Authorization: Bearer {here['api_key']}' '{here['api_url']}{TASKS_PATH}?pageSize=5'"
        self._console.print(f"  {call}\n")

    def _follow(self, stack: Stack, job: str, dropped: float) -> dict[str, Any]:
        here = stack.description
        seen = 0
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            stack.check()
            stages = list(_stages(stack.clients, here["state_machine_arn"]))
            for stage in stages[seen:]:
                self._tell(dropped, stage.name, at=stage.entered.timestamp())
            seen = len(stages)
            result = _read(stack.clients, here["outbox_bucket"], f"{job}/result.json")
            if result is not None:
                self._tell(dropped, "result.json is in the outbox")
                task = result.get("data") or {}
                if task.get("task_status") != "succeed":
                    raise TourError(f"the job failed: {task.get('task_status_msg') or result.get('message')}")
                return task
            time.sleep(0.2)
        logged = "\n".join(f"  {line}" for line in function_logs.errors(stack.clients))
        raise TourError(f"there was no result within {TIMEOUT_SECONDS} s; what the functions have logged:\n{logged}")

    def _download(self, clients: AwsClients, bucket: str, job: str) -> list[Path]:
        # What an earlier run has left would pass for this one's.
        shutil.rmtree(self._results / job, ignore_errors=True)
        files = []
        for item in clients.s3.list_objects_v2(Bucket=bucket, Prefix=f"{job}/").get("Contents", []):
            target = self._results / item["Key"]
            target.parent.mkdir(parents=True, exist_ok=True)
            clients.s3.download_file(bucket, item["Key"], str(target))
            files.append(target)
        return files

    def _tell(self, start: float, what: str, *, at: float | None = None) -> None:
        elapsed = (at or time.time()) - start
        self._console.print(f"  [cyan]{elapsed:6.1f} s[/cyan]  {what}")


def _stages(clients: AwsClients, state_machine: str) -> Iterator[Stage]:
    """The states that the first task has entered so far, in their order."""
    executions = clients.stepfunctions.list_executions(stateMachineArn=state_machine)["executions"]
    if not executions:
        return
    first = min(executions, key=lambda execution: execution["startDate"])
    history = clients.stepfunctions.get_execution_history(executionArn=first["executionArn"], maxResults=1000)
    for event in history["events"]:
        entered = event.get("stateEnteredEventDetails")
        # A choice only says which way the step before it has led.
        if entered is not None and event["type"] != "ChoiceStateEntered":
            yield Stage(entered["name"], event["timestamp"])


def _read(clients: AwsClients, bucket: str, key: str) -> dict[str, Any] | None:
    if not clients.s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents"):
        return None
    body: dict[str, Any] = json.loads(clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return body


def _links(task: dict[str, Any]) -> list[str]:
    return [image["url"] for image in task["task_result"]["images"]]


def _look_at(path: Path) -> str:
    """What kind of image a file holds; decoding it is the proof that it is one."""
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
            return f"{image.format} {image.width}x{image.height}"
    except OSError as error:
        raise TourError(f"{path} is not an image: {error}") from error
