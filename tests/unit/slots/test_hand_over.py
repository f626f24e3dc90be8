"""The rule of the hand-over: in the order of the queue, all slots of a task or none, and no task starves."""

from __future__ import annotations

import pytest

from kiln.slots.hand_over import HandOver, Waiting, hand_over, in_use, serve, throttled_names

NOW = 1_000


@pytest.mark.parametrize(
    ("free", "needs", "expected"),
    [(3, [1, 1, 1, 1], (3, 0)), (3, [4, 1], (0, 3)), (5, [4, 4, 1], (1, 1)), (0, [1], (0, 0)), (5, [], (0, 0))],
)
def test_free_slots_serve_tasks_in_order_and_the_rest_is_reserved(free, needs, expected):
    assert serve(free, needs) == expected


def test_each_served_task_holds_all_its_slots():
    handed = hand_over({"x#0"}, [Waiting("a", 2), Waiting("b", 1), Waiting("c", 9)], 5)
    assert handed == HandOver(frozenset({"x#0", "a#0", "a#1", "b#0", "reserved#0"}), ["a", "b"])


def test_task_of_more_images_than_slots_gets_all_slots():
    assert hand_over(set(), [Waiting("a", 9)], 4).holders == {"a#0", "a#1", "a#2", "a#3"}


def test_released_task_gets_no_slots_though_the_index_still_names_it():
    assert hand_over(set(), [Waiting("a", 1)], 4, leaver="a").complete == []


def test_task_that_holds_its_slots_is_named_again_on_a_retry_only():
    queue = [Waiting("a", 1), Waiting("b", 1)]
    assert hand_over({"a#0"}, queue, 4).complete == ["b"]
    assert hand_over({"a#0"}, queue, 4, is_retry=True).complete == ["a", "b"]


def test_paused_dispatch_hands_nothing_over():
    assert hand_over({"x#0"}, [Waiting("a", 1)], 4, is_paused=True) == HandOver(frozenset({"x#0"}), [])


def test_throttled_slots_come_back_one_by_one():
    names = frozenset(throttled_names(2, NOW + 60, 15))
    assert len(in_use(names, NOW + 59)) == 2
    assert len(in_use(names, NOW + 60)) == 1
    assert in_use(names, NOW + 75) == set()


def test_throttled_slots_are_used_when_no_task_could_start_otherwise():
    throttled = set(throttled_names(4, NOW + 60, 15))
    assert hand_over(throttled, [Waiting("a", 1)], 4).complete == ["a"]
