"""Operators and a running stack: a pause holds waiting tasks, a stuck task restarts, an ended one notifies."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from local.stack import TASKS_PATH
from tests.integration.client import NEVER, Client, JsonObject, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded


@pytest.fixture(autouse=True)
def _open_again(kiln: Deployment) -> Iterator[None]:
    """Whatever a test leaves behind, dispatch is open after it."""
    yield
    kiln.operate("resume")


def ends(kiln: Deployment, task_id: str) -> list[JsonObject]:
    """The ``Image Task Failed`` events of a task."""
    return [event for event in kiln.events(task_id) if event["detail-type"] == "Image Task Failed"]


def test_pause_stops_waiting_tasks_and_lets_running_ones_finish(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    running = client.create()
    wait_until(lambda: kiln.generations(running), "the first task runs")
    kiln.set_faults()
    assert kiln.operate("pause")["paused_at"]
    waiting = client.create(n=2)
    wait_until(lambda: kiln.is_parked(waiting), "the second task waits")
    kiln.finish()
    client.wait_for(running, "succeed")
    kiln.wait_for_end(running)
    # All slots are free, and the task that ended has handed them to no task.
    wait_until(lambda: kiln.operate("status")["held"] == 0, "the slots are drained")
    status = kiln.operate("status")
    assert (status["waiting"], status["next_task_id"]) == (1, waiting)
    assert kiln.generations(waiting) == 0
    assert client.get(waiting)["task_status"] == "submitted"
    kiln.operate("resume")
    assert_succeeded(kiln, client, waiting, n=2)


def test_waiting_task_that_is_ended_leaves_by_its_own_workflow(kiln: Deployment, client: Client) -> None:
    kiln.operate("pause")
    task_id = client.create()
    wait_until(lambda: kiln.is_parked(task_id), "the task waits")
    done = kiln.operate("fail", task_id=task_id, reason="The campaign was called off")
    assert done["did"] == "woken"
    kiln.wait_for_end(task_id)
    assert client.get(task_id)["task_status_msg"] == "The campaign was called off"
    wait_until(lambda: ends(kiln, task_id), "its end is on the bus")
    assert kiln.operate("status")["waiting"] == 0
    assert kiln.generations(task_id) == 0


def test_restarted_workflow_generates_nothing_twice(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    task_id = client.create()
    wait_until(lambda: kiln.is_parked(task_id) and kiln.generations(task_id), "the task waits for its callback")
    assert kiln.operate("restart", task_id=task_id)["did"] == "restarted"
    kiln.finish()
    client.wait_for(task_id, "succeed")
    wait_until(lambda: kiln.execution_status(task_id, 1) == "SUCCEEDED", "its second execution has ended")
    assert kiln.execution_status(task_id) == "ABORTED"
    assert kiln.generations(task_id) == 1
    assert not [holder for holder in kiln.holders() if holder.startswith(task_id)]


def test_failed_task_is_retried(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(fail_tasks=1.0)
    failed = client.create(prompt="A cat", n=2)
    client.wait_for(failed, "failed")
    kiln.set_faults()
    done = kiln.operate("retry", task_id=failed)
    assert done["did"] == "created"
    assert_succeeded(kiln, client, done["task_id"], n=2)


def test_stored_provider_keys_are_used(kiln: Deployment) -> None:
    checked = kiln.operate("check-provider")
    assert (checked["accepted"], checked["provider_url"]) == (True, kiln.here["provider_url"])


def test_restored_task_is_found_and_stops_no_other_task(kiln: Deployment, client: Client) -> None:
    """As an operator does who restores a part of the table: the stream tells of it as of a new one."""
    began = time.time()
    task_id = client.create()
    assert_succeeded(kiln, client, task_id)
    table, key = kiln.here["table"], {"pk": {"S": f"TASK#{task_id}"}}
    item = kiln.aws.dynamodb.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")["Attributes"]
    assert client.send("GET", f"{TASKS_PATH}/{task_id}").status_code == 404
    kiln.aws.dynamodb.put_item(TableName=table, Item=item)
    assert_succeeded(kiln, client, client.create())
    assert client.get(task_id)["task_status"] == "succeed"
    assert kiln.generations(task_id) == 1

    def is_served_twice() -> bool:
        lines = [line for line in kiln.logged(began, task_id) if f'"task_id":"{task_id}"' in line]
        if sum('"message":"started"' in line for line in lines) == 2:
            return True
        # A process's last line may wait for its next call, which another task brings.
        assert_succeeded(kiln, client, client.create())
        return False

    wait_until(is_served_twice, "the stream's second record of it has been served")
