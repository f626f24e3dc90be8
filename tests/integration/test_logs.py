"""The logs of a run: every line of a task names it, every step has one, and none holds anything private."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from kiln import metrics
from local.receiver import Receiver
from local.stack import STACK_NAME, TASKS_PATH
from tests.integration.client import SUBJECT, Caller, Client, JsonObject, wait_until
from tests.integration.driver import Deployment

PROMPT = f"A prompt that must not be in a log {uuid.uuid4().hex}"
STEPS = ("Start", "Dispatch", "Poll", "Collect", "Notify")
FUNCTIONS = ("Submit", "Callback", *STEPS)
LINES_S = 20
"""A line that has not come by then is lost."""
MEASURED = {
    *((metrics.STAGE_SECONDS.name, stage) for stage in metrics.STAGES),
    (metrics.ACCEPTED.name, ""),
    (metrics.SUCCEEDED.name, ""),
    (metrics.CALLBACKS_MISSED.name, ""),
    (metrics.PROVIDER_CALLS.name, "0"),
    (metrics.IMAGES_STORED.name, ""),
    (metrics.BYTES_STORED.name, ""),
    (metrics.DELIVERIES.name, "delivered"),
}


@dataclass(frozen=True)
class Run:
    """A task that has ended, and every line of its log."""

    task_id: str
    caller: Caller
    lines: list[str]

    @property
    def entries(self) -> list[JsonObject]:
        """The lines that are the functions' own: the runtime's are no JSON, and the last may still be being written."""
        return [json.loads(line) for line in self.lines if line.startswith("{") and line.endswith("}")]


@pytest.fixture(scope="module")
def run(settled: Deployment, _strangers: Iterator[Caller]) -> Iterator[Run]:
    """A task with a ``callback_url`` whose caller also asks for what is refused.

    The local AWS may lose the last line of a process that is busy: then another task is tried.
    """
    caller, task_ids, due = next(_strangers), list[str](), 0.0
    with Receiver() as receiver, contextlib.closing(Client(settled.here["api_url"], caller)) as client:

        def found() -> Run | None:
            nonlocal due
            if time.monotonic() >= due:
                task_ids.append(_ended(settled, client, receiver.url))
                due = time.monotonic() + LINES_S
            lines = [line.strip() for line in settled.logged(0)]
            complete = [task_id for task_id in task_ids if _is_complete(lines, task_id)]
            return Run(complete[0], caller, lines) if complete else None

        yield wait_until(found, "every function's line about a task is in the log")


def _ended(deployed: Deployment, client: Client, url: str) -> str:
    """A task that has ended and that could not be cancelled then."""
    task_id = client.create(prompt=PROMPT, n=2, callback_url=url)
    client.wait_for(task_id, "succeed")
    assert client.send("POST", f"{TASKS_PATH}/{task_id}/cancel").status_code == 409
    deployed.wait_for_end(task_id)
    wait_until(lambda: deployed.notification_status(task_id, "succeed") == "SUCCEEDED", "its caller is notified")
    return task_id


def _is_complete(lines: list[str], task_id: str) -> bool:
    """Whether every function and every metric of a task is in these lines."""
    mine = [json.loads(text) for text in lines if task_id in text and text.endswith("}")]
    has_slots = any(metrics.SLOTS_HELD.name in entry for entry in mine)
    return {_function(entry) for entry in mine} >= set(FUNCTIONS) and has_slots and _measured(mine) >= MEASURED


def _measured(entries: list[JsonObject]) -> set[tuple[str, str]]:
    """The metrics in these lines, each with the value of its dimension."""
    known = {metric.name: metric.dimension for metric in metrics.ALL}
    described = [(entry, each) for entry in entries for each in entry.get("_aws", {}).get("CloudWatchMetrics", [])]
    return {(each["Name"], entry.get(known[each["Name"]], "")) for entry, all_ in described for each in all_["Metrics"]}


def _function(entry: JsonObject) -> str:
    """The function of a line: ``Poll`` of ``kiln-PollFunction-0123``; empty for a line of metrics."""
    return str(entry.get("function_name", "")).removeprefix(f"{STACK_NAME}-").partition("Function")[0]


def test_records_with_a_task_id_have_it_in_the_task_id_field(run):
    mine = [text for text in run.lines if run.task_id in text and text.endswith("}")]
    assert {json.loads(text)["task_id"] for text in mine} == {run.task_id}


def test_every_record_of_a_step_names_its_task_or_its_batch(run):
    seen = [entry for entry in run.entries if _function(entry) in STEPS]
    assert {_function(entry) for entry in seen} == set(STEPS)
    assert [entry for entry in seen if not entry.get("task_id") and not entry.get("batch_id")] == []


def test_refusal_names_its_task(run):
    refused = [entry for entry in run.entries if entry.get("message") == "refused" and _function(entry) == "Submit"]
    assert "has ended" in "".join(entry["reason"] for entry in refused if entry.get("task_id") == run.task_id)


def test_metrics_of_a_task_are_known_and_name_it(run):
    known = {metric.name: metric for metric in metrics.ALL}
    for entry in run.entries:
        for described in entry.get("_aws", {}).get("CloudWatchMetrics", []):
            (dimensions,) = described["Dimensions"]
            assert described["Namespace"] == "Kiln"
            for each in described["Metrics"]:
                metric = known[each["Name"]]
                assert each["Unit"] == metric.unit
                assert set(dimensions) == {"service", metric.dimension} - {""}
    assert _measured([entry for entry in run.entries if entry.get("task_id") == run.task_id]) >= MEASURED


def test_logs_have_no_private_data(run, deployed):
    everything = "\n".join(run.lines)
    private = [PROMPT, SUBJECT[:200], "X-Amz-Signature", deployed.here["secret_key"], deployed.here["webhook_secret"]]
    private += [run.caller.secret_key, run.caller.api_key, *deployed.stack.provider_keys.values()]
    assert [each for each in private if each in everything] == []
