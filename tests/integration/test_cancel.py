"""Cancel: a waiting task ends at no cost; any other task continues, and the answer says why."""

from __future__ import annotations

from collections.abc import Callable

from local.receiver import Receiver
from local.stack import TASKS_PATH
from tests.integration.client import NEVER, UNDER_WAY, Client, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_failed, assert_succeeded
from tests.integration.steps import cancel, fill_the_provider

REASON = "Cancelled by the caller before it was its turn"


def test_cancelled_waiting_task_generates_nothing(
    kiln: Deployment, client: Client, new_client: Callable[[Deployment], Client], receiver: Receiver
) -> None:
    blocking = fill_the_provider(kiln, client)
    waiting = client.create(external_task_id="not-after-all", callback_url=receiver.url)
    behind = client.create()
    wait_until(lambda: kiln.is_parked(waiting) and kiln.is_parked(behind), "both wait in the queue")

    stranger = new_client(kiln)
    for either_id in (waiting, "not-after-all"):
        refused = cancel(stranger, either_id)
        assert (refused.status_code, refused.json()["code"]) == (404, 1203)

    answer = cancel(client, "not-after-all")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["task_status"] == "failed"
    assert answer.json()["data"]["task_status_msg"] == REASON
    # It does not wait for the one before it to end.
    assert_failed(kiln, client, waiting, reason=REASON, generations=0)
    assert client.get(blocking)["task_status"] in UNDER_WAY
    again = cancel(client, waiting)
    assert (again.status_code, again.json()["data"]) == (200, answer.json()["data"])

    def statuses() -> list[str]:
        return [request.json()["task_status"] for request in list(receiver.received)]

    wait_until(lambda: "failed" in statuses(), "the caller is notified")
    kiln.finish()
    assert_succeeded(kiln, client, blocking, n=9)
    assert_succeeded(kiln, client, behind)
    assert kiln.generations(waiting) == 0


def test_cancel_is_refused_once_dispatched_or_terminal(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    running = client.create()
    wait_until(lambda: kiln.generations(running), "the provider has it")
    refused = cancel(client, running)
    assert (refused.status_code, refused.json()["code"]) == (409, 1201)
    assert refused.json()["message"] == "the task cannot be cancelled: it is being generated"
    kiln.finish()
    task = assert_succeeded(kiln, client, running)
    ended = cancel(client, running)
    assert (ended.status_code, ended.json()["code"]) == (409, 1201)
    assert ended.json()["message"] == "the task cannot be cancelled: it has ended (succeed)"
    assert client.get(running) == task


def test_cancel_without_key_or_task_is_refused(client: Client) -> None:
    unknown = cancel(client, "0" * 32)
    assert (unknown.status_code, unknown.json()["code"]) == (404, 1203)
    keyless = client.http.post(f"{TASKS_PATH}/{'0' * 32}/cancel")
    assert (keyless.status_code, keyless.json()["code"]) == (401, 1001)
