"""Slots are throttled for a while when the provider is full below our limit, and never for ever."""

from __future__ import annotations

import time

from kiln.slots.store import THROTTLED_SECONDS
from tests.support.samples import add_task
from tests.support.slots import take


def test_full_provider_below_the_limit_stops_new_tasks(cloud, slots):
    for name in ("a", "b"):
        add_task(name)
    take(cloud, slots, "a", 1)
    assert slots.throttle() == 2
    assert not take(cloud, slots, "b", 1)
    assert len(slots.state().names) == 3
    assert slots.throttle() == 0
    assert take(cloud, slots, "a", 1)


def test_throttled_slots_return_one_by_one(cloud, slots, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    for name in ("a", "b", "c", "d", "e"):
        add_task(name)
    take(cloud, slots, "a", 1)
    slots.throttle()
    assert slots.release("a", 1) == ["b"]
    take(cloud, slots, "b", 1)
    now += THROTTLED_SECONDS
    assert slots.release("b", 1) == ["c", "d"]
    take(cloud, slots, "c", 1)
    take(cloud, slots, "d", 1)
    now += THROTTLED_SECONDS
    assert slots.release("c", 1) == ["e"]
    assert slots.state().names == {"d#0", "e#0"}


def test_throttled_slots_return_with_the_last_release(cloud, slots):
    """No other task runs, so none will release a slot: throttled slots must return with the last release."""
    add_task("a")
    take(cloud, slots, "a", 1)
    slots.throttle()
    add_task("large", n=3)
    assert slots.release("a", 1) == ["large"]
    assert take(cloud, slots, "large", 3)
    assert slots.release("large", 3) == []
    add_task("b")
    take(cloud, slots, "b", 1)
    slots.throttle()
    assert slots.release("b", 1) == []
    add_task("c", n=3)
    assert take(cloud, slots, "c", 3)


def test_task_of_all_slots_gets_them_despite_throttling(cloud, slots):
    for name in ("a", "b"):
        add_task(name)
        take(cloud, slots, name, 1)
    slots.throttle()
    add_task("large", n=3)
    assert slots.release("a", 1) == []
    assert slots.release("b", 1) == ["large"]
    assert take(cloud, slots, "large", 3)
    assert slots.state().names == {"large#0", "large#1", "large#2"}
