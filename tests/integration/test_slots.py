"""The provider's slots: never more than it has, in the order of the queue, and no task starves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.integration.client import NEVER, Client, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_images_whole, assert_succeeded

SLOTS = 9


def test_crowd_is_served_in_order_without_refusals(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=0.8)
    refused = kiln.stats()["refused"]
    # All tasks are in the queue before the first is served, so that their order is known.
    kiln.operate("pause")
    task_ids = [client.create(n=3) for _ in range(12)]
    wait_until(lambda: all(kiln.is_parked(task_id) for task_id in task_ids), "all of them wait in the queue")
    kiln.operate("resume")
    most, served = 0, 0

    def all_ended() -> bool:
        nonlocal most, served
        held = kiln.holders()
        most = max(most, len(held))
        served = max([served, *(number + 1 for number, task_id in enumerate(task_ids) if f"{task_id}#0" in held)])
        # Every task before the last served one holds slots as well, or has used them already.
        passed_over = [
            task_id
            for task_id in task_ids[:served]
            if f"{task_id}#0" not in held and not kiln.item(task_id).get("dispatch_attempts")
        ]
        assert not passed_over, f"{passed_over} of {task_ids}"
        return all(kiln.execution_status(task_id) not in (None, "RUNNING") for task_id in task_ids)

    wait_until(all_ended, "the crowd is served")
    assert most <= SLOTS
    assert kiln.stats()["refused"] == refused, "the provider counted more slots than it has"
    for task_id in task_ids:
        assert_succeeded(kiln, client, task_id, n=3)


def test_task_of_all_slots_is_not_starved_by_small_ones(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(task_seconds=NEVER)
    refused = kiln.stats()["refused"]
    ahead = [client.create() for _ in range(SLOTS)]
    wait_until(lambda: all(kiln.generations(task_id) for task_id in ahead), "the provider is full")
    kiln.set_faults(task_seconds=0.3)
    large = client.create(n=SLOTS)
    behind = [client.create() for _ in range(6)]
    wait_until(lambda: all(kiln.is_parked(task_id) for task_id in (large, *behind)), "all of them wait in the queue")
    for task_id in (large, *behind):
        assert kiln.generations(task_id) == 0
    kiln.finish()
    for task_id in (*ahead, large, *behind):
        client.wait_for(task_id, "succeed")
    order = kiln.provider_order()
    # The slots come free one by one, and each is enough for a task behind the large one. A task that looks between a
    # release and its hand-over may slip in; only a few can.
    overtaken = [task_id for task_id in behind if order.index(task_id) < order.index(large)]
    assert len(overtaken) <= len(behind) // 2, overtaken
    assert kiln.stats()["refused"] == refused
    assert_succeeded(kiln, client, large, n=SLOTS)
    for task_id in (*ahead, *behind):
        assert_succeeded(kiln, client, task_id)


def test_provider_with_fewer_slots_throttles_the_queue(kiln: Deployment, client: Client) -> None:
    """1303 is waited out: refused creates cost nothing, and every task is made once."""
    kiln.set_faults(max_slots=2)
    with ThreadPoolExecutor(4) as pool:
        task_ids = list(pool.map(lambda _: client.create(), range(4)))
    for task_id in task_ids:
        assert_succeeded(kiln, client, task_id)


def test_missing_images_stop_no_other_task(kiln: Deployment, client: Client) -> None:
    kiln.set_faults(truncate_images=1.0)
    first, second = client.create(n=SLOTS), client.create(n=SLOTS)
    wait_until(lambda: kiln.generations(second), "the second one is generated")
    assert client.get(first)["task_status"] in ("submitted", "processing")
    wait_until(lambda: not kiln.holders(), "both have given their slots back")
    # A workflow that starts again gets no slots now, and needs none to continue.
    kiln.operate("pause")
    try:
        assert kiln.operate("restart", task_id=first)["did"] == "restarted"
        kiln.set_faults()
        assert_images_whole(kiln, client.wait_for(first, "succeed"), SLOTS)
        assert kiln.generations(first) == 1
        assert not kiln.holders()
    finally:
        kiln.operate("resume")
    assert_succeeded(kiln, client, second, n=SLOTS)
