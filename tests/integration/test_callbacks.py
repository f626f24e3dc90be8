"""A callback only wakes the workflow: lost, early, doubled, forged and late callbacks change no task."""

from __future__ import annotations

import itertools
import sys

import pytest

from tests.integration.client import NEVER, UNDER_WAY, Client, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded
from tests.integration.steps import fill_the_provider


def latency_ms(kiln: Deployment, task_id: str, ended_at: int) -> int:
    """From the end at the provider to the end here."""
    return ended_at - int(kiln.at_provider(f"/{kiln.run_id(task_id)}")["updated_at"])


def tell(capsys: pytest.CaptureFixture[str], what: str) -> None:
    """Prints a measurement without an assertion, as the computer may be busy."""
    with capsys.disabled():
        sys.stdout.write(f"\n  {what}\n")


def test_callback_wakes_the_task(kiln: Deployment, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    def ended_by_callbacks() -> bool:
        task = assert_succeeded(kiln, client, client.create(n=2), n=2)
        timers = kiln.timers_fired(task["task_id"])
        # One question per callback at most (submitted, processing, succeed) and per timer, and Collect's own.
        assert kiln.item(task["task_id"])["polls"] <= 4 + timers
        latency = latency_ms(kiln, task["task_id"], task["updated_at"])
        tell(capsys, f"from the provider's end to ours: {latency} ms, {timers} timers")
        return timers == 0

    # On a busy computer the timer may be there first; a callback that wakes no workflow would leave each task to it.
    wait_until(ended_by_callbacks, "a task has ended by its callbacks alone")


def test_timer_replaces_a_lost_callback(kiln: Deployment, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    kiln.set_faults(drop_callbacks=True)
    task = assert_succeeded(kiln, client, client.create())
    waits = [step.error for step in kiln.steps(task["task_id"]) if step.name == "AwaitCallback"]
    assert waits
    assert set(waits) == {"States.Timeout"}
    latency = latency_ms(kiln, task["task_id"], task["updated_at"])
    tell(capsys, f"from the provider's end to ours, by the timer of 2 s: {latency} ms")


def test_task_that_ends_before_parking_succeeds(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=0)
    assert_succeeded(kiln, client, client.create())


def test_wake_up_before_parking_is_kept(kiln: Deployment, client: Client) -> None:
    """A task woken while it waits for slots parks again; its real callback still wakes it."""
    blocking = fill_the_provider(kiln, client)
    waiting = client.create()
    wait_until(lambda: kiln.is_parked(waiting), "the second task waits for slots")
    assert kiln.http.post(kiln.callback_link(waiting)).status_code == 200
    wait_until(lambda: [step.name for step in kiln.steps(waiting)].count("Dispatch") == 2, "it looked around")
    assert kiln.generations(waiting) == 0
    kiln.finish()
    assert_succeeded(kiln, client, blocking, n=9)
    assert_succeeded(kiln, client, waiting)


def test_repeated_and_delayed_callbacks_change_nothing(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(duplicate_callbacks=True, delay_callbacks_s=0.3)
    assert_succeeded(kiln, client, client.create(n=2), n=2)


def test_forged_callback_changes_nothing(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(drop_callbacks=True, task_seconds=NEVER)
    task_id = client.create()
    wait_until(lambda: kiln.is_parked(task_id), "the task waits for its callback")
    before = kiln.item(task_id)
    link = kiln.callback_link(task_id)
    head, token = link.rsplit("/", 1)
    other = kiln.callback_link("0" * 32).rsplit("/", 1)[1]
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:-1], token.lower(), other, "x"):
        answer = kiln.http.post(f"{head}/{forged}", json={"task_id": task_id, "task_status": "succeed"})
        assert answer.status_code == 404, forged
        assert answer.json()["code"] == 1203
    unknown = kiln.http.post(kiln.callback_link("f" * 32))
    assert unknown.status_code == 404
    after = kiln.item(task_id)
    # The fallback poller may have looked meanwhile; no callback has arrived.
    assert "wake_requested_at" not in after
    looked = dict.fromkeys(("task_token", "polls", "task_status", "updated_at"))
    assert {**after, **looked} == {**before, **looked}
    kiln.finish()
    assert_succeeded(kiln, client, task_id)


def test_content_of_a_callback_is_ignored(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(drop_callbacks=True, task_seconds=NEVER)
    task_id = client.create()
    wait_until(lambda: kiln.generations(task_id), "the provider has it")
    lies: list[bytes] = [
        b"",
        b"{",
        b"[1, 2]",
        b"\xff\xfe\x00",
        b'{"task_id": "someone-else", "task_status": "succeed", "task_result": {"images": []}}',
        b'{"task_status": "failed", "task_status_msg": "a lie"}',
        b'{"id": "1", "status": "succeeded", "outputs": [], "message": "", "create_time": 1, "update_time": 2}',
    ]
    for lie, kind in itertools.product(lies, ("application/json", "text/plain")):
        answer = kiln.http.post(kiln.callback_link(task_id), content=lie, headers={"content-type": kind})
        assert answer.status_code == 200, (lie, answer.text)
        assert answer.json()["code"] == 0
    assert client.get(task_id)["task_status"] in UNDER_WAY
    kiln.finish()
    assert_succeeded(kiln, client, task_id)


def test_callback_after_the_end_changes_nothing(kiln: Deployment, client: Client) -> None:
    task = assert_succeeded(kiln, client, client.create())
    before = kiln.item(task["task_id"])
    for _ in range(2):
        answer = kiln.http.post(kiln.callback_link(task["task_id"]), json={"task_status": "failed"})
        assert answer.status_code == 200
    after = kiln.item(task["task_id"])
    # That it rang is written down, and nothing else.
    assert {**after, "wake_requested_at": 0, "wake_ups": 0} == {**before, "wake_requested_at": 0, "wake_ups": 0}
    assert client.get(task["task_id"]) == task
    assert_succeeded(kiln, client, task["task_id"])
