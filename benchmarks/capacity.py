"""What DynamoDB charges for reads and writes, by the published rules: item sizes, request units, writes of indexes."""

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
        name: Of the index.
        keys: Its key attributes.
        attributes: Everything it holds: its keys, the table's key, what is projected.
    """

    name: str
    keys: frozenset[str]
    attributes: frozenset[str]

    def entry(self, item: Item | None) -> dict[str, Any] | None:
        """What the index holds of an item; ``None`` if it does not hold it."""
        if item is None or not self.keys <= set(item):
            return None
        return {name: value for name, value in item.items() if name in self.attributes}


def indexes_of(table: Mapping[str, Any]) -> list[Index]:
    """The indexes of a table, from its description or from a template's properties."""
    table_keys = {key["AttributeName"] for key in table["KeySchema"]}
    found = []
    for each in table.get("GlobalSecondaryIndexes", []):
        keys = frozenset(key["AttributeName"] for key in each["KeySchema"])
        included = set(each["Projection"].get("NonKeyAttributes", []))
        found.append(Index(each["IndexName"], keys, frozenset(keys | table_keys | included)))
    return found


def item_bytes(item: Item) -> int:
    """The size of an item: names and values."""
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


def _number_bytes(text: str) -> int:
    digits = text.lstrip("-").replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + text.startswith("-")


def write_units(size: int) -> int:
    """Units of a standard write of so many bytes; also of one whose condition failed."""
    return max(1, math.ceil(size / WRITE_UNIT_BYTES))


def read_units(sizes: Sequence[int], *, consistent: bool) -> float:
    """Units of one read; of a query, the sizes of all it has read are added up first."""
    units = max(1, math.ceil(sum(sizes) / READ_UNIT_BYTES))
    return float(units) if consistent else units / 2


def units_of_change(before: Item | None, after: Item | None, indexes: Sequence[Index]) -> dict[str, int]:
    """Write units of one change, of the table (``""``) and of each index that it touches."""
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
