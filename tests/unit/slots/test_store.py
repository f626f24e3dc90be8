"""The provider's slots: in the order of the queue, never more than there are, and a release may be repeated."""

from __future__ import annotations

import random

import pytest

from kiln.slots.store import Slots
from kiln.tasks.items import SLOTS_KEY
from kiln.tasks.store import TaskStore
from tests.support.samples import add_task, admit_task
from tests.support.slots import Contended, take


@pytest.mark.parametrize(("n", "names"), [(1, {"t#0"}), (3, {"t#0", "t#1", "t#2"}), (9, {"t#0", "t#1", "t#2"})])
def test_task_acquires_n_slots_but_at_most_the_limit(cloud, slots, n, names):
    add_task("t", n=n)
    assert take(cloud, slots, "t", n)
    assert slots.state().names == names


def test_limit_is_read_from_the_environment(cloud):
    assert Slots().limit == 9


def test_empty_item_has_no_holders_and_no_waiters(slots):
    assert slots.state().names == set()
    assert slots.release("missing", 9) == []


def three_hold_and_two_wait(cloud, slots) -> None:
    for name in ("a", "b", "c", "d", "e"):
        add_task(name)
    for name in ("a", "b", "c"):
        take(cloud, slots, name, 1)


def test_slots_are_acquired_while_any_are_free(cloud, slots):
    for name in ("a", "b", "c", "d"):
        add_task(name)
    assert [take(cloud, slots, name, 1) for name in ("a", "b", "c", "d")] == [True, True, True, False]
    assert slots.state().names == {"a#0", "b#0", "c#0"}
    assert take(cloud, slots, "a", 1)  # Taking twice is taking once.
    assert len(slots.state().names) == 3


def test_released_slot_is_handed_to_the_first_waiting_task(cloud, slots):
    three_hold_and_two_wait(cloud, slots)
    assert slots.release("b", 1) == ["d"]
    assert slots.state().names == {"a#0", "c#0", "d#0"}
    assert take(cloud, slots, "d", 1)
    assert slots.release("a", 1) == ["e"]


def test_second_release_hands_nothing_over_and_wakes_again(cloud, slots):
    three_hold_and_two_wait(cloud, slots)
    assert slots.release("b", 1) == ["d"]
    # The first time it may have broken down in between.
    assert slots.release("b", 1) == ["d"]
    assert slots.state().names == {"a#0", "c#0", "d#0"}
    assert take(cloud, slots, "d", 1)
    assert slots.release("b", 1) == []


def test_several_released_slots_wake_several_tasks(cloud, slots):
    add_task("large", n=3)
    for name in ("a", "b", "c", "d"):
        add_task(name)
    take(cloud, slots, "large", 3)
    assert slots.release("large", 3) == ["a", "b", "c"]


def test_task_of_many_slots_reserves_them_and_is_not_overtaken(cloud, slots):
    for name in ("a", "b", "c"):
        add_task(name)
        take(cloud, slots, name, 1)
    add_task("large", n=9)
    add_task("late")
    assert slots.release("a", 1) == []
    assert slots.state().names == {"b#0", "c#0", "reserved#0"}
    assert slots.release("b", 1) == []
    assert slots.release("c", 1) == ["large"]
    assert slots.state().names == {"large#0", "large#1", "large#2"}
    assert not take(cloud, slots, "late", 1)
    assert take(cloud, slots, "large", 9)
    assert slots.release("large", 9) == ["late"]


def test_caller_of_few_tasks_does_not_wait_for_one_of_many(cloud, slots):
    for number in range(3):
        admit_task(f"a{number}")
        take(cloud, slots, f"a{number}", 1)
    for number in range(3, 9):
        admit_task(f"a{number}")
    admit_task("b0", caller="bob")
    admit_task("b1", caller="bob")
    woken = []
    for name in ("a0", "a1", "a2"):
        woken += slots.release(name, 1)
    assert woken[0] == "a3" or woken[0] == "b0"
    assert set(woken) > {"b0"}
    for name in woken:
        take(cloud, slots, name, 1)
    for name in woken:
        woken = [*woken, *slots.release(name, 1)]
    assert "b1" in woken


def test_lowered_limit_hands_over_only_below_it(cloud):
    add_task("large", n=9)
    take(cloud, Slots(limit=9), "large", 9)
    add_task("a")
    few = Slots(limit=2)
    assert few.release("other", 1) == []
    assert few.release("large", 9) == ["a"]
    assert few.state().names == {"a#0"}


def test_task_that_already_has_its_slots_is_skipped(cloud, slots):
    for name in ("a", "b", "c", "d"):
        add_task(name)
    for name in ("a", "b"):
        take(cloud, slots, name, 1)
    assert slots.release("a", 1) == ["c", "d"]  # Both are woken; neither has come to take its slot yet.
    add_task("e")
    assert slots.release("b", 1) == ["e"]
    assert slots.state().names == {"c#0", "d#0", "e#0"}


def test_concurrent_hand_overs_give_each_slot_once(cloud):
    for name in ("a", "b", "c", "d", "e"):
        add_task(name)
    for name in ("a", "b"):
        take(cloud, Slots(limit=2), name, 1)
    woken: list[str] = []
    other = Slots(limit=2)
    mine = Slots(client=Contended(cloud.dynamodb, [lambda: woken.extend(other.release("b", 1))]), limit=2)  # type: ignore[arg-type]
    woken += mine.release("a", 1)
    assert sorted(woken) == ["c", "d"]
    assert other.state().names == {"c#0", "d#0"}


def test_endless_contention_ends_without_a_hand_over(cloud):
    for name in ("a", "b", "c"):
        add_task(name)
    slots = Slots(limit=1)
    take(cloud, slots, "a", 1)

    def snatch() -> None:
        cloud.dynamodb.put_item(TableName="kiln-table", Item={**SLOTS_KEY, "holders": {"SS": ["snatched#0"]}})

    def give_up() -> None:
        cloud.dynamodb.put_item(TableName="kiln-table", Item=SLOTS_KEY)

    contended = Slots(client=Contended(cloud.dynamodb, [snatch] * 50), limit=1)  # type: ignore[arg-type]
    assert contended.release("a", 1) == []
    give_up()
    assert slots.release("a", 1) == ["b"]


@pytest.mark.parametrize("seed", range(2))
def test_any_order_of_steps_loses_no_slot_and_keeps_the_turns(cloud, seed):
    chance = random.Random(seed)
    slots = Slots(limit=4)
    sizes = {f"t{number:02}": chance.choice([1, 1, 2, 3, 9]) for number in range(16)}
    waiting: list[str] = []
    running: list[str] = []
    done: list[str] = []
    for name, n in sizes.items():
        add_task(name, n=n)
        (running if take(cloud, slots, name, n) else waiting).append(name)
    while running:
        name = running.pop(chance.randrange(len(running)))
        woken = slots.release(name, sizes[name])
        if chance.random() < 0.3:
            assert slots.release(name, sizes[name]) == woken
        assert len(slots.state().names) <= 4
        assert woken == sorted(woken)
        for each in woken:
            assert take(cloud, slots, each, sizes[each])
            waiting.remove(each)
        running += woken
        done.append(name)
    assert waiting == []
    assert sorted(done) == sorted(sizes)
    assert slots.state().names == set()


def test_two_large_tasks_do_not_reserve_parts_at_once(cloud, slots):
    """A later task of another caller may come before one that waits: reserved slots are then handed over again."""
    for name, n in (("a", 1), ("b", 2)):
        add_task(name, n=n)
        take(cloud, slots, name, n)
    add_task("first", n=3, turn=18)
    assert slots.release("a", 1) == []
    add_task("overtaker", n=2, turn=17)
    assert slots.release("b", 2) == ["overtaker"]
    take(cloud, slots, "overtaker", 2)
    assert slots.release("overtaker", 2) == ["first"]


def test_released_task_gets_no_slots_from_a_stale_index(cloud, slots):
    add_task("a")
    cloud.dynamodb.put_item(TableName="kiln-table", Item={**SLOTS_KEY, "holders": {"SS": ["a#0"]}})
    assert slots.release("a", 1) == []
    assert slots.state().names == set()


@pytest.mark.parametrize("limit", [2, 3, 9])
def test_changed_limit_is_in_force_for_tasks_that_wait(cloud, limit):
    for name in ("a", "b", "c", "d"):
        add_task(name)
    assert take(cloud, Slots(limit=1), "a", 1)
    assert not take(cloud, Slots(limit=1), "b", 1)
    changed = Slots(limit=limit)
    assert changed.release("", 0) == ["b", "c", "d"][: limit - 1]
    assert changed.acquire(TaskStore().get("b"))


def test_handed_over_turn_becomes_the_virtual_time(cloud, slots):
    for name, turn in (("a", 5), ("b", 7), ("c", 8)):
        add_task(name, n=3, turn=turn)
    take(cloud, slots, "a", 3)
    assert slots.state().virtual_time == 5
    slots.release("a", 3)
    assert slots.state().virtual_time == 7


def test_low_task_sets_the_virtual_time_on_the_clock_of_both_priorities(cloud, slots):
    low = admit_task("low", priority="low", n=3)
    assert slots.acquire(low)
    assert slots.state().virtual_time == 3


def test_slots_go_to_a_normal_task_before_an_older_low_one(cloud, slots):
    for name in ("a", "b", "c"):
        admit_task(name)
        take(cloud, slots, name, 1)
    admit_task("low", priority="low")
    admit_task("normal")
    assert slots.release("a", 1) == ["normal"]
    assert take(cloud, slots, "normal", 1)
    assert slots.release("b", 1) == ["low"]


def test_late_acquirer_does_not_set_the_virtual_time_back(cloud, slots):
    add_task("late", turn=3)
    add_task("early", turn=9)
    take(cloud, slots, "early", 1)
    take(cloud, slots, "late", 1)
    assert slots.state().virtual_time == 9


def test_two_newcomers_for_one_slot_get_it_once(cloud):
    for name in ("a", "b"):
        add_task(name)
    other = Slots(limit=1)
    mine = Slots(client=Contended(cloud.dynamodb, [lambda: take(cloud, other, "b", 1)]), limit=1)  # type: ignore[arg-type]
    assert not mine.acquire(TaskStore().get("a"))
    assert other.state().names == {"b#0"}


def test_reconcile_keeps_the_tasks_own_slots(cloud, slots):
    for name in ("a", "b"):
        add_task(name)
    take(cloud, slots, "a", 1)
    assert slots.release("a", 0) == ["b"]
    assert slots.state().names == {"a#0", "b#0"}
