"""The logs of a run: every line of a task names it, every step has one, and none holds anything private."""

from __future__ import annotations

import contextlib
import json
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
def run(deployed: Deployment, _strangers: Iterator[Caller]) -> Run:
    """A task with a ``callback_url`` whose caller also asks for what is refused."""
    deployed.set_faults()
    caller = next(_strangers)
    with Receiver() as receiver, contextlib.closing(Client(deployed.here["api_url"], caller)) as client:
        task_id = client.create(prompt=PROMPT, n=2, callback_url=receiver.url)
        client.wait_for(task_id, "succeed")
        assert client.send("POST", f"{TASKS_PATH}/{task_id}/cancel").status_code == 409
        deployed.wait_for_end(task_id)
        wait_until(lambda: deployed.notification_status(task_id, "succeed") == "SUCCEEDED", "its caller is notified")
    lines = wait_until(lambda: _all_there(deployed, task_id), "every function's line is in the log")
    return Run(task_id, caller, lines)


def _all_there(deployed: Deployment, task_id: str) -> list[str] | None:
    lines = [line.strip() for line in deployed.logged(0)]
    mine = [json.loads(line) for line in lines if task_id in line]
    seen = {_function(entry) for entry in mine}
    return lines if seen >= set(FUNCTIONS) and any(metrics.SLOTS_HELD.name in entry for entry in mine) else None


def _function(entry: JsonObject) -> str:
    """The function of a line: ``Poll`` of ``kiln-PollFunction-0123``; empty for a line of metrics."""
    return str(entry.get("function_name", "")).removeprefix(f"{STACK_NAME}-").partition("Function")[0]


def test_records_with_a_task_id_have_it_in_the_task_id_field(run):
    mine = [line for line in run.lines if run.task_id in line]
    assert {json.loads(line)["task_id"] for line in mine} == {run.task_id}


def test_every_record_of_a_step_names_its_task_or_its_batch(run):
    seen = [entry for entry in run.entries if _function(entry) in STEPS]
    assert {_function(entry) for entry in seen} == set(STEPS)
    assert [entry for entry in seen if not entry.get("task_id") and not entry.get("batch_id")] == []


def test_refusal_names_its_task(run):
    refused = [entry for entry in run.entries if entry.get("message") == "refused" and _function(entry) == "Submit"]
    assert "has ended" in "".join(entry["reason"] for entry in refused if entry.get("task_id") == run.task_id)


def test_metrics_of_a_task_are_known_and_name_it(run):
    known = {metric.name: metric for metric in metrics.ALL}
    measured: set[tuple[str, str]] = set()
    for entry in run.entries:
        for described in entry.get("_aws", {}).get("CloudWatchMetrics", []):
            (dimensions,) = described["Dimensions"]
            assert described["Namespace"] == "Kiln"
            for each in described["Metrics"]:
                metric = known[each["Name"]]
                assert each["Unit"] == metric.unit
                assert set(dimensions) == {"service", metric.dimension} - {""}
                if entry.get("task_id") == run.task_id:
                    measured.add((metric.name, entry.get(metric.dimension, "")))
    assert measured >= {
        *((metrics.STAGE_SECONDS.name, stage) for stage in metrics.STAGES),
        (metrics.ACCEPTED.name, ""),
        (metrics.SUCCEEDED.name, ""),
        (metrics.CALLBACKS_MISSED.name, ""),
        (metrics.PROVIDER_CALLS.name, "0"),
        (metrics.IMAGES_STORED.name, ""),
        (metrics.BYTES_STORED.name, ""),
        (metrics.DELIVERIES.name, "delivered"),
    }


def test_logs_have_no_private_data(run, deployed):
    everything = "\n".join(run.lines)
    private = [PROMPT, SUBJECT[:200], "X-Amz-Signature", deployed.here["secret_key"], deployed.here["webhook_secret"]]
    private += [run.caller.secret_key, run.caller.api_key, *deployed.stack.provider_keys.values()]
    assert [each for each in private if each in everything] == []
