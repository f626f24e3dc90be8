"""DynamoDB's units, as AWS's documents charge them."""

from __future__ import annotations

import pytest

from benchmarks.modelling.dynamodb_units import Index, indexes_of, item_bytes, read_units, units_of_change, write_units

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
def test_item_size_counts_name_and_value(value: dict[str, object], size: int) -> None:
    assert item_bytes({"name": value}) == len("name") + size


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1_024, 1), (1_025, 2), (10_000, 10)])
def test_write_is_charged_by_the_started_kilobyte(size: int, units: int) -> None:
    assert write_units(size) == units


def test_query_adds_item_sizes_before_rounding() -> None:
    assert read_units([100] * 40, consistent=True) == 1
    assert read_units([100] * 41, consistent=True) == 2
    assert read_units([100] * 41, consistent=False) == 1
    assert read_units([], consistent=False) == 0.5


def test_change_is_charged_for_the_larger_of_before_and_after() -> None:
    small, large = {"pk": {"S": "x"}}, {"pk": {"S": "x"}, "much": {"S": "y" * 2_000}}
    assert units_of_change(small, large, []) == {"": 2}
    assert units_of_change(large, small, []) == {"": 2}
    assert units_of_change(None, small, []) == {"": 1}


def test_change_of_other_attributes_does_not_charge_the_index() -> None:
    assert units_of_change(ITEM, {**ITEM, "prompt": {"S": "other"}}, [BY_TURN]) == {"": 1}
    assert units_of_change(ITEM, {**ITEM, "n": {"N": "2"}}, [BY_TURN]) == {"": 1, "by_turn": 1}


def test_changed_index_key_is_charged_twice() -> None:
    assert units_of_change(ITEM, {**ITEM, "turn": {"N": "8"}}, [BY_TURN]) == {"": 1, "by_turn": 2}


def test_item_leaving_a_sparse_index_is_charged_once() -> None:
    left = {name: value for name, value in ITEM.items() if name not in ("queue", "turn")}
    assert units_of_change(ITEM, left, [BY_TURN]) == {"": 1, "by_turn": 1}
    assert units_of_change(left, left, [BY_TURN]) == {"": 1}


def test_table_description_gives_its_indexes() -> None:
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
