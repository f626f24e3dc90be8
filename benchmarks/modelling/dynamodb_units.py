"""DynamoDB's request units by the published rules: item sizes, units of reads and writes, writes of indexes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WRITE_UNIT_BYTES = 1_024
READ_UNIT_BYTES = 4_096

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Index:
    """A global secondary index.

    Attributes:
        name: The index's name.
        keys: Its key attributes.
        attributes: All attributes it holds: its keys, the table's key, the projected ones.
    """

    name: str
    keys: frozenset[str]
    attributes: frozenset[str]

    def entry(self, item: Item | None) -> dict[str, Any] | None:
        """Return what the index holds of an item; ``None`` if the item is not in the index."""
        if item is None or not self.keys <= set(item):
            return None
        return {name: value for name, value in item.items() if name in self.attributes}


def indexes_of(table: Mapping[str, Any]) -> list[Index]:
    """Return the indexes of a table, from its description or from a template's properties."""
    table_keys = {key["AttributeName"] for key in table["KeySchema"]}
    found = []
    for each in table.get("GlobalSecondaryIndexes", []):
        keys = frozenset(key["AttributeName"] for key in each["KeySchema"])
        included = set(each["Projection"].get("NonKeyAttributes", []))
        found.append(Index(each["IndexName"], keys, frozenset(keys | table_keys | included)))
    return found


def item_bytes(item: Item) -> int:
    """Return the size of an item: names and values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_bytes(content)
        case "B":
            return len(content)
        case "SS":
            return sum(len(each.encode()) for each in content)
        case "NS":
            return sum(_number_bytes(each) for each in content)
        case "BS":
            return sum(len(each) for each in content)
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(each) for name, each in content.items())
        case _:
            return 1


def _number_bytes(number: str) -> int:
    digits = number.lstrip("-").replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + number.startswith("-")


def write_units(size: int) -> int:
    """Return the units of a standard write of ``size`` bytes. A write whose condition failed costs the same."""
    return max(1, math.ceil(size / WRITE_UNIT_BYTES))


def read_units(sizes: Sequence[int], *, consistent: bool) -> float:
    """Return the units of one read. The sizes of all items that a query reads are added up first."""
    units = max(1, math.ceil(sum(sizes) / READ_UNIT_BYTES))
    return float(units) if consistent else units / 2


def units_of_change(before: Item | None, after: Item | None, indexes: Sequence[Index]) -> dict[str, int]:
    """Return the write units of one change: of the table (``""``) and of each index that changes with it."""
    sizes = [item_bytes(item) for item in (before, after) if item is not None]
    units = {"": write_units(max(sizes))}
    for index in indexes:
        was, now = index.entry(before), index.entry(after)
        if was == now:
            continue
        if was is None or now is None:
            units[index.name] = write_units(item_bytes(now or was or {}))
        elif any(was[key] != now[key] for key in index.keys):
            units[index.name] = write_units(item_bytes(was)) + write_units(item_bytes(now))
        else:
            units[index.name] = write_units(max(item_bytes(was), item_bytes(now)))
    return units
