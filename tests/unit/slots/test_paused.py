"""Paused dispatch: no task acquires slots or is handed any; a task with slots continues."""

from __future__ import annotations

import pytest

from kiln.slots.store import Slots
from kiln.tasks.items import SLOTS_KEY
from tests.support.samples import add_task
from tests.support.slots import Contended, take


def test_paused_dispatch_acquires_no_slots(cloud, slots):
    for name in ("a", "b"):
        add_task(name)
    take(cloud, slots, "a", 1)
    since = slots.pause()
    assert slots.pause() == since
    assert slots.state().paused_at == since
    assert not take(cloud, slots, "b", 1)
    assert take(cloud, slots, "a", 1)  # A task with slots continues.
    slots.resume()
    assert take(cloud, slots, "b", 1)


def test_paused_dispatch_hands_over_no_slots(cloud, slots):
    for name in ("a", "b"):
        add_task(name)
    take(cloud, slots, "a", 1)
    slots.pause()
    assert slots.release("a", 1) == []
    assert slots.state().names == set()
    slots.resume()
    assert slots.release("", 0) == ["b"]


def test_task_with_slots_from_before_the_pause_is_woken(cloud, slots):
    for name in ("a", "b"):
        add_task(name)
    slots = Slots(limit=1)
    take(cloud, slots, "a", 1)
    assert slots.release("a", 1) == ["b"]
    slots.pause()
    # The first release may have stopped before it woke the task.
    assert slots.release("a", 1) == ["b"]
    assert take(cloud, slots, "b", 1)


@pytest.mark.parametrize("change", ["pause", "resume"])
def test_pause_or_resume_during_a_hand_over_is_applied(cloud, change):
    for name in ("a", "b"):
        add_task(name)
    take(cloud, Slots(limit=1), "a", 1)
    operator = Slots(limit=1)
    if change == "resume":
        operator.pause()
    slots = Slots(client=Contended(cloud.dynamodb, [getattr(operator, change)]), limit=1)  # type: ignore[arg-type]
    assert slots.release("a", 1) == ([] if change == "pause" else ["b"])
    assert operator.state().names == (set() if change == "pause" else {"b#0"})


def test_throttled_and_reserved_slots_are_counted_separately(cloud, slots):
    held = {"a#0", "a#1", "throttled#99999999999#0", "reserved#0"}
    cloud.dynamodb.put_item(TableName="kiln-table", Item={**SLOTS_KEY, "holders": {"SS": sorted(held)}})
    state = slots.state()
    assert (state.tasks, state.throttled, state.reserved, state.paused_at) == (["a"], 1, 1, 0)
