"""The promises that hold for every task, whatever was broken on its way."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from local.receiver import Receiver
from tests.chaos.stacks import ChaosDeployment
from tests.integration.client import TERMINAL, Client, JsonObject, wait_until
from tests.integration.promise import assert_images_whole

_RANKS = {
    "Image Task Submitted": 0,
    "Image Task Processing": 1,
    "Image Task Succeeded": 2,
    "Image Task Failed": 2,
}
_STATUSES = {0: ("submitted",), 1: ("processing",), 2: ("succeed", "failed")}


def assert_kept(kiln: ChaosDeployment, client: Client, task_id: str, *, n: int) -> JsonObject:
    """The task succeeded, was paid for once, and has every image once and whole; nothing of it is left over."""
    task = client.wait_for(task_id, "succeed")
    assert kiln.generations(task_id) == 1, f"{task_id} was generated {kiln.generations(task_id)} times"
    assert task["final_unit_deduction"] == str(16 * n)
    assert_images_whole(kiln, task, n)
    prefix = kiln.item(task_id)["result"][0]["key"].rpartition("/")[0]
    assert len(kiln.images_in_outbox(f"{prefix}/")) == n
    assert_ended(kiln, task)
    return task


def assert_ended(kiln: ChaosDeployment, task: JsonObject) -> None:
    """The task's workflow has ended, no slot is held, and its events tell one consistent story."""
    task_id = task["task_id"]
    kiln.wait_for_end(task_id)
    assert not [holder for holder in kiln.holders() if holder.startswith(task_id)], f"{task_id} holds a slot still"
    assert not {"queue", "turn"} & set(kiln.item(task_id)), f"{task_id} still waits in the queue"
    ending = "Image Task Succeeded" if task["task_status"] == "succeed" else "Image Task Failed"
    wait_until(
        lambda: any(event["detail-type"] == ending for event in kiln.events(task_id)), f"{task_id}'s end is published"
    )
    assert_one_story(kiln.events(task_id))


def assert_one_story(events: list[JsonObject]) -> None:
    """A change has one id however often it is published; later changes have later times; there is one end."""
    ids: dict[str, set[str]] = {}
    for event in events:
        ids.setdefault(event["detail-type"], set()).add(event["detail"]["metadata"]["event_id"])
        published = event["detail"]["data"]
        assert published["task_status"] in _STATUSES[_RANKS[event["detail-type"]]]
        assert published["updated_at"] >= published["created_at"]
    assert all(len(each) == 1 for each in ids.values()), ids
    assert len([each for each in ids if _RANKS[each] == 2]) == 1, ids
    in_order = sorted(events, key=lambda event: _RANKS[event["detail-type"]])
    times = [event["detail"]["data"]["updated_at"] for event in in_order]
    assert times == sorted(times), times


def assert_notified(kiln: ChaosDeployment, receiver: Receiver, marker: str, task_id: str) -> None:
    """The caller was notified of the end at its ``callback_url``; a repeated notification has the same id."""

    def ids() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for request in list(receiver.received):
            if request.path.endswith(marker):
                body = request.json()
                assert body["task_id"] == task_id
                found.setdefault(body["task_status"], set()).add(request.headers["webhook-id"])
        return found

    kiln.wait_until_notified(marker, lambda: "succeed" in ids(), f"the caller is notified of {task_id}")
    assert all(len(each) == 1 for each in ids().values()), ids()


def assert_at_one_account(kiln: ChaosDeployment, task_id: str) -> None:
    """Of all accounts, only the task's own has it, once."""
    assert kiln.generations(task_id) == 1, f"{task_id} was generated {kiln.generations(task_id)} times"
    assert kiln.found_at(task_id) == [kiln.account_of(task_id)]


def assert_usage_counted_once(kiln: ChaosDeployment) -> None:
    """Every caller's usage is that of its ended tasks: units, tasks and failures, each task once."""
    ended: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    used: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
    for item in kiln.every_item():
        kind, _, rest = item["pk"].partition("#")
        if kind == "TASK" and item["task_status"] in TERMINAL:
            counts = [item.get("final_unit_deduction") or 0, 1, item["task_status"] == "failed"]
            _add(ended[item["caller"]], counts)
        if kind == "USAGE":
            _add(used[rest.rpartition("#")[0]], [item[f"month_{name}"] for name in ("units", "tasks", "failures")])
    assert used == ended


def _add(sums: list[Decimal], counts: list[Any]) -> None:
    sums[:] = [each + Decimal(count) for each, count in zip(sums, counts, strict=True)]
