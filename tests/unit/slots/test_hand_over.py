"""The rule of the hand-over: in the order of the queue, all slots of a task or none, and no task starves."""

from __future__ import annotations

import pytest

from kiln.slots.hand_over import HandOver, Waiting, hand_over, in_use, serve, throttled_names
from kiln.slots.pools import Pool, account_of

NOW = 1_000


@pytest.mark.parametrize(
    ("free", "needs", "expected"),
    [(3, [1, 1, 1, 1], (3, 0)), (3, [4, 1], (0, 3)), (5, [4, 4, 1], (1, 1)), (0, [1], (0, 0)), (5, [], (0, 0))],
)
def test_free_slots_serve_tasks_in_order_and_the_rest_is_reserved(free, needs, expected):
    queue = [Waiting(str(number), need) for number, need in enumerate(needs)]
    served, reserved = serve({Pool(9): free}, queue)
    assert (len(served), sum(reserved.values())) == expected


def test_each_served_task_holds_all_its_slots():
    handed = hand_over({"x#0"}, [Waiting("a", 2), Waiting("b", 1), Waiting("c", 9)], [Pool(5)])
    assert handed == HandOver(frozenset({"x#0", "a#0", "a#1", "b#0", "reserved#0"}), ["a", "b"])


def test_task_of_more_images_than_slots_gets_all_slots():
    assert hand_over(set(), [Waiting("a", 9)], [Pool(4)]).holders == {"a#0", "a#1", "a#2", "a#3"}


def test_released_task_gets_no_slots_though_the_index_still_names_it():
    assert hand_over(set(), [Waiting("a", 1)], [Pool(4)], leaver="a").complete == []


def test_task_that_holds_its_slots_is_named_again_on_a_retry_only():
    queue = [Waiting("a", 1), Waiting("b", 1)]
    assert hand_over({"a#0"}, queue, [Pool(4)]).complete == ["b"]
    assert hand_over({"a#0"}, queue, [Pool(4)], is_retry=True).complete == ["a", "b"]


def test_paused_dispatch_hands_nothing_over():
    assert hand_over({"x#0"}, [Waiting("a", 1)], [Pool(4)], is_paused=True) == HandOver(frozenset({"x#0"}), [])


def test_throttled_slots_come_back_one_by_one():
    names = frozenset(throttled_names(2, NOW + 60, 15))
    assert len(in_use(names, NOW + 59)) == 2
    assert len(in_use(names, NOW + 60)) == 1
    assert in_use(names, NOW + 75) == set()


def test_throttled_slots_are_used_when_no_task_could_start_otherwise():
    throttled = set(throttled_names(4, NOW + 60, 15))
    assert hand_over(throttled, [Waiting("a", 1)], [Pool(4)]).complete == ["a"]


A, B = Pool(3, "a"), Pool(3, "b")


def test_tasks_spread_over_accounts_by_weight():
    pools = [Pool(9, "a", weight=2), Pool(9, "b")]
    handed = hand_over(set(), [Waiting(str(number), 1) for number in range(6)], pools)
    assert sorted(map(account_of, handed.holders)) == ["a"] * 4 + ["b"] * 2


def test_task_holds_all_its_slots_at_one_account():
    handed = hand_over({"x#0@a", "x#1@a", "y#0@b"}, [Waiting("t", 2)], [A, B])
    assert {"t#0@b", "t#1@b"} <= handed.holders


def test_large_task_reserves_one_account_and_small_ones_use_the_others():
    holders = {"x#0@a", "x#1@a", "y#0@b"}
    handed = hand_over(holders, [Waiting("large", 3), Waiting("small", 1)], [A, B])
    assert handed.complete == ["small"]
    assert handed.holders == holders | {"small#0@a", "reserved#0@b", "reserved#1@b"}


def test_task_goes_only_where_it_fits_unless_no_account_is_large_enough():
    assert hand_over(set(), [Waiting("t", 2)], [Pool(1, "few"), B]).holders == {"t#0@b", "t#1@b"}
    assert hand_over(set(), [Waiting("t", 9)], [Pool(1, "few"), B]).holders == {"t#0@b", "t#1@b", "t#2@b"}


def test_closed_account_gets_only_the_task_that_it_may_know():
    closed = Pool(3, "a", is_open=False)
    handed = hand_over(set(), [Waiting("new", 1), Waiting("bound", 1, account="a")], [closed])
    assert handed.complete == ["bound"]


def test_full_model_does_not_hold_up_another_model():
    pools = [Pool(1, "a", "kling-v2"), Pool(1, "a", "kling-v2-1")]
    queue = [Waiting("x", 1, model="kling-v2"), Waiting("y", 1, model="kling-v2-1")]
    assert hand_over({"z#0@a/kling-v2"}, queue, pools).complete == ["y"]


def test_slots_without_an_account_are_of_the_account_default():
    assert account_of("task#0") == "default"
    assert hand_over({"old#0"}, [Waiting("t", 1)], [Pool(1), Pool(1, "b")]).holders == {"old#0", "t#0@b"}
