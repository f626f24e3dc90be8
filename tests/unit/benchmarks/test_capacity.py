"""DynamoDB's units: what is counted is what AWS's documents say is charged."""

from __future__ import annotations

import pytest

from benchmarks.capacity import Index, indexes_of, item_bytes, read_units, units_of_change, write_units

BY_TURN = Index("by_turn", frozenset({"queue", "turn"}), frozenset({"pk", "queue", "turn", "n"}))

ITEM = {"pk": {"S": "TASK#1"}, "queue": {"S": "waiting"}, "turn": {"N": "7"}, "n": {"N": "1"}}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "käse"}, 5),
        ({"N": "0"}, 1),
        ({"N": "123456"}, 4),
        ({"N": "-12.30"}, 4),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": b"abc"}, 3),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": [{"S": "a"}, {"N": "1"}]}, 3 + 2 + 3),
        ({"M": {"ab": {"S": "c"}}}, 3 + 4),
    ],
)
def test_sizes_of_values(value: dict[str, object], size: int) -> None:
    assert item_bytes({"name": value}) == len("name") + size


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1_024, 1), (1_025, 2), (10_000, 10)])
def test_a_write_is_charged_by_the_kilobyte(size: int, units: int) -> None:
    assert write_units(size) == units


def test_a_query_adds_up_before_it_rounds() -> None:
    assert read_units([100] * 40, consistent=True) == 1
    assert read_units([100] * 41, consistent=True) == 2
    assert read_units([100] * 41, consistent=False) == 1
    assert read_units([], consistent=False) == 0.5


def test_the_larger_of_before_and_after_is_charged() -> None:
    small, large = {"pk": {"S": "x"}}, {"pk": {"S": "x"}, "much": {"S": "y" * 2_000}}
    assert units_of_change(small, large, []) == {"": 2}
    assert units_of_change(large, small, []) == {"": 2}
    assert units_of_change(None, small, []) == {"": 1}


def test_an_index_is_charged_only_for_what_it_holds() -> None:
    assert units_of_change(ITEM, {**ITEM, "prompt": {"S": "other"}}, [BY_TURN]) == {"": 1}
    assert units_of_change(ITEM, {**ITEM, "n": {"N": "2"}}, [BY_TURN]) == {"": 1, "by_turn": 1}


def test_a_moved_entry_is_a_deletion_and_a_write() -> None:
    assert units_of_change(ITEM, {**ITEM, "turn": {"N": "8"}}, [BY_TURN]) == {"": 1, "by_turn": 2}


def test_who_leaves_a_sparse_index_is_charged_once() -> None:
    left = {name: value for name, value in ITEM.items() if name not in ("queue", "turn")}
    assert units_of_change(ITEM, left, [BY_TURN]) == {"": 1, "by_turn": 1}
    assert units_of_change(left, left, [BY_TURN]) == {"": 1}


def test_indexes_are_read_from_a_table() -> None:
    table = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_turn",
                "KeySchema": [{"AttributeName": "queue"}, {"AttributeName": "turn"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]},
            }
        ],
    }
    assert indexes_of(table) == [BY_TURN]
