"""The provider down, slow, full, lying or broken: accepted at once, generated exactly once, whole in the end."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.children import ROOT, Child, clean_environment
from tests.integration.client import NEVER, Client, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_failed, assert_images_whole, assert_succeeded


def test_failed_provider_task_fails_with_its_reason(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(fail_tasks=1.0)
    assert_failed(kiln, client, client.create(), reason="Failure to pass the risk control system")


def test_final_refusal_fails_the_task_at_once(kiln: Deployment, client: Client) -> None:
    """An image by URL is for the provider to judge; where it cannot be had, the task fails and costs nothing."""
    unreadable = [{"subject_image": "http://127.0.0.1:9/no-such-image.png"}]
    task_id = client.create(subject_image_list=unreadable)
    assert_failed(kiln, client, task_id, reason="subject_image", generations=0)


def test_task_accepted_during_an_outage_succeeds_after_it(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(error_rate=1.0)
    asked = kiln.stats()["creates"]
    task_id = client.create(n=2)
    wait_until(lambda: kiln.stats()["creates"] > asked, "the provider was asked")
    assert client.get(task_id)["task_status"] == "submitted"
    kiln.set_faults()
    assert_succeeded(kiln, client, task_id, n=2)


def test_every_slot_is_busy_again_after_an_outage(kiln: Deployment, client: Client) -> None:
    """During it one task probes, and the others sleep."""
    kiln.set_faults(error_rate=1.0)
    task_ids = [client.create() for _ in range(9)]
    wait_until(lambda: kiln.failed_probes() >= 3, "one task has probed for a while")
    wait_until(lambda: sum(kiln.is_parked(task_id) for task_id in task_ids) == 8, "the others sleep")
    asked = sum(int(kiln.item(task_id).get("dispatch_attempts", 0)) for task_id in task_ids)
    # Five failures close the gate, and each task may be calling at that moment.
    assert asked <= 5 + 9 + kiln.failed_probes() + 1
    kiln.set_faults(task_seconds=NEVER)
    wait_until(lambda: all(kiln.generations(task_id) for task_id in task_ids), "every slot is busy")
    kiln.finish()
    for task_id in task_ids:
        assert_succeeded(kiln, client, task_id)


@pytest.mark.parametrize(
    "faults",
    [
        {"error_rate": 1.0, "at_most": 3},
        {"throttle_rate": 1.0, "at_most": 3},
        {"garbage_rate": 1.0, "at_most": 3},
        {"image_errors": 1.0, "at_most": 3},
        {"first_image_try_fails": True},
        {"not_images": 1.0, "at_most": 3},
        {"expired_links": 1.0, "at_most": 3},
        {"wrong_types": 1.0},
        {"reset_rate": 1.0, "at_most": 3},
        {"clock_skew_s": -120.0},
        {"clock_skew_s": 1_500.0},
        {"slow_images_bps": 60_000.0},
    ],
    ids=lambda faults: " ".join(f"{name}={value}" for name, value in faults.items()),
)
def test_intermittent_faults_generate_each_task_once(
    kiln: Deployment, client: Client, faults: dict[str, float]
) -> None:
    # Three faults in a row, all on one task, cost it a few seconds.
    kiln.set_faults(**faults)
    task_ids = [client.create(), client.create()]
    for task_id in task_ids:
        client.wait_for(task_id)
    assert kiln.stats()["struck"] >= faults.get("at_most", 0)
    for task_id in task_ids:
        assert_succeeded(kiln, client, task_id)


def test_create_answered_with_an_error_generates_once(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(create_then_error=1.0)
    task_ids = [client.create(), client.create()]
    for task_id in task_ids:
        assert_succeeded(kiln, client, task_id)


def test_unanswered_create_generates_once(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(hang_s=20.0)
    task_id = client.create()
    wait_until(lambda: kiln.generations(task_id), "the provider has it")
    # The answer under way stays late; every later request gets its answer at once.
    kiln.set_faults()
    assert_succeeded(kiln, client, task_id)
    dispatches = [step for step in kiln.steps(task_id) if step.name == "Dispatch"]
    # Where the computer is slow, the first look-up may come before the provider answers again.
    assert len(dispatches) >= 2, dispatches


@pytest.mark.parametrize("account_error", [1101, 1102])
def test_account_in_arrears_keeps_the_task(kiln: Deployment, client: Client, account_error: int) -> None:
    kiln.set_faults(account_error=account_error)
    task_id = client.create()
    wait_until(lambda: kiln.item(task_id).get("refusal"), "the refusal is noted")
    assert client.get(task_id)["task_status"] == "submitted"
    assert kiln.generations(task_id) == 0
    stop_execution(kiln, task_id)


def stop_execution(kiln: Deployment, task_id: str) -> None:
    """Stops a task that would wait for minutes, and waits until its slots are released."""
    kiln.aws.stepfunctions.stop_execution(executionArn=kiln.execution_arn(task_id))
    wait_until(lambda: not any(holder.startswith(task_id) for holder in kiln.holders()), "its slots are back")


def test_truncated_images_are_not_stored(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(truncate_images=1.0)
    task_id = client.create(n=2)
    wait_until(
        lambda: [step.name for step in kiln.steps(task_id)].count("Collect") >= 2, "copying was tried more than once"
    )
    assert client.get(task_id)["task_status"] in ("submitted", "processing")
    listed = kiln.aws.s3.list_objects_v2(Bucket=kiln.here["outbox_bucket"], Prefix=f"tasks/{task_id}/")
    assert listed.get("Contents", []) == []
    kiln.set_faults()
    assert_succeeded(kiln, client, task_id, n=2)


@contextlib.contextmanager
def provider_at(port: int, kiln: Deployment, log: Path) -> Iterator[str]:
    """A simulated provider of the test's own, with the account's keys."""
    key = kiln.stack.provider_keys
    arguments = ["--port", str(port), "--exit-with-stdin", "--task-seconds", "0.4", "--pixels", "40000"]
    arguments += ["--access-key", key["access_key"], "--secret-key", key["secret_key"]]
    environment = {**clean_environment(), "PYTHONPATH": str(ROOT / "layers" / "kiln")}
    child = Child("the provider", ["local.provider", *arguments], log=log, environment=environment)
    try:
        child.first_line()
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


def test_task_accepted_without_a_provider_succeeds_once_it_answers(
    redeployed: Callable[..., Deployment], new_client: Callable[[Deployment], Client], tmp_path: Path
) -> None:
    # A bound socket that does not listen refuses every call, and keeps the port for the provider alone.
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        kiln = redeployed(ProviderUrl=f"http://127.0.0.1:{port}")
        client = new_client(kiln)
        task_id = client.create()
        wait_until(lambda: "cannot be reached" in kiln.item(task_id).get("refusal", ""), "the provider was missed")
        assert client.get(task_id)["task_status"] == "submitted"
        with provider_at(port, kiln, tmp_path / "provider.log") as url:
            task = client.wait_for(task_id, "succeed")
            stats = kiln.http.get(f"{url}/_control/stats").json()
            assert stats["by_external_id"] == {kiln.run_id(task_id): 1}
            assert_images_whole(kiln, task, 1)
            kiln.wait_for_end(task_id)
            assert kiln.holders() == set()
