"""The provider's slots: first come first served, never more than there are, giving back as often as one likes."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kiln.slots.store import Slots
from kiln.tasks.items import SLOTS_KEY
from kiln.tasks.store import TaskStore
from tests.support.samples import add_task, admit_task


def take(cloud: Any, slots: Slots, task_id: str, n: int) -> bool:
    """What the step Dispatch does first."""
    task = TaskStore().get(task_id)
    assert task.n == n
    if not slots.acquire(task):
        return False
    TaskStore().begin_dispatch(task_id)
    return True


@pytest.mark.parametrize(("n", "names"), [(1, {"t#0"}), (3, {"t#0", "t#1", "t#2"}), (9, {"t#0", "t#1", "t#2"})])
def test_a_task_acquires_n_slots_but_never_more_than_there_are(cloud, slots, n, names):
    add_task("t", n=n)
    assert take(cloud, slots, "t", n)
    assert slots.state().names == names


def test_the_limit_comes_from_the_environment(cloud):
    assert Slots().limit == 9


def test_nobody_waits_and_nothing_is_held(slots):
    assert slots.state().names == set()
    assert slots.release("nobody", 9) == []


def test_slots_are_taken_while_there_is_room(cloud, slots):
    for name in ("a", "b", "c", "d"):
        add_task(name)
    assert [take(cloud, slots, name, 1) for name in ("a", "b", "c", "d")] == [True, True, True, False]
    assert slots.state().names == {"a#0", "b#0", "c#0"}
    assert take(cloud, slots, "a", 1)  # Taking twice is taking once.
    assert len(slots.state().names) == 3


def test_the_first_in_line_is_handed_the_slot(cloud, slots):
    for name in ("a", "b", "c", "d", "e"):
        add_task(name)
    for name in ("a", "b", "c"):
        take(cloud, slots, name, 1)
    assert slots.release("b", 1) == ["d"]
    assert slots.state().names == {"a#0", "c#0", "d#0"}
    assert take(cloud, slots, "d", 1)
    assert slots.release("a", 1) == ["e"]


def test_giving_back_twice_gives_nothing_away_and_wakes_who_may_not_have_been_woken(cloud, slots):
    for name in ("a", "b", "c", "d", "e"):
        add_task(name)
    for name in ("a", "b", "c"):
        take(cloud, slots, name, 1)
    assert slots.release("b", 1) == ["d"]
    # The first time it may have broken down in between.
    assert slots.release("b", 1) == ["d"]
    assert slots.state().names == {"a#0", "c#0", "d#0"}
    assert take(cloud, slots, "d", 1)
    assert slots.release("b", 1) == []


def test_several_are_woken_when_several_slots_come_free(cloud, slots):
    add_task("large", n=3)
    for name in ("a", "b", "c", "d"):
        add_task(name)
    take(cloud, slots, "large", 3)
    assert slots.release("large", 3) == ["a", "b", "c"]


def test_who_needs_many_has_them_kept_and_is_not_overtaken(cloud, slots):
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


def test_a_caller_with_few_tasks_does_not_wait_for_one_with_many(cloud, slots):
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


def test_a_smaller_limit_than_when_they_were_taken_is_made_up_for(cloud):
    add_task("large", n=9)
    take(cloud, Slots(limit=9), "large", 9)
    add_task("a")
    few = Slots(limit=2)
    assert few.release("other", 1) == []
    assert few.release("large", 9) == ["a"]
    assert few.state().names == {"a#0"}


def test_a_task_on_its_way_with_its_slots_is_passed_over(cloud, slots):
    for name in ("a", "b", "c", "d"):
        add_task(name)
    for name in ("a", "b"):
        take(cloud, slots, name, 1)
    assert slots.release("a", 1) == ["c", "d"]  # Both are woken; neither has come to take its slot yet.
    add_task("e")
    assert slots.release("b", 1) == ["e"]
    assert slots.state().names == {"c#0", "d#0", "e#0"}


class Contended:
    """A client behind whose back another releases a task whenever slots are about to be handed over."""

    def __init__(self, client: Any, meanwhile: list[Any]) -> None:
        self._client = client
        self._meanwhile = meanwhile
        self.exceptions = client.exceptions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        if "ConditionExpression" in request and self._meanwhile:
            self._meanwhile.pop(0)()
        return self._client.update_item(**request)


def test_two_that_hand_over_at_once_give_no_slot_twice(cloud):
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


def test_endless_contention_ends(cloud):
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
def test_whatever_the_order_no_slot_is_lost_and_everybody_has_a_turn_in_order(cloud, seed):
    chance = random.Random(seed)
    slots = Slots(limit=4)
    sizes = {f"t{number:02}": chance.choice([1, 1, 2, 3, 9]) for number in range(16)}
    waiting, running, done = [], [], []
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


def test_two_large_ones_never_sit_on_a_part_each(cloud, slots):
    """A later task of another caller may come to stand before one that waits: what is reserved is dealt out afresh."""
    for name, n in (("a", 1), ("b", 2)):
        add_task(name, n=n)
        take(cloud, slots, name, n)
    add_task("first", n=3, turn=18)
    assert slots.release("a", 1) == []
    add_task("overtaker", n=2, turn=17)
    assert slots.release("b", 2) == ["overtaker"]
    take(cloud, slots, "overtaker", 2)
    assert slots.release("overtaker", 2) == ["first"]


def test_who_leaves_is_not_handed_its_own_slots_by_an_index_that_lags(cloud, slots):
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


def test_looking_after_the_line_gives_nothing_of_ones_own_back(cloud, slots):
    for name in ("a", "b"):
        add_task(name)
    take(cloud, slots, "a", 1)
    assert slots.release("a", 0) == ["b"]
    assert slots.state().names == {"a#0", "b#0"}
