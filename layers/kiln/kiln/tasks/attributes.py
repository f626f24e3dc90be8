"""DynamoDB's attribute values: plain values to ``{"S": …}`` and back, for the kinds that a task is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def attribute_of(value: Any) -> dict[str, Any]:
    """A plain value as an attribute value.

    Raises:
        TypeError: No attribute of the table is of this kind.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": str(value)}
        case list():
            return {"L": [attribute_of(each) for each in value]}
        case dict():
            return {"M": {name: attribute_of(each) for name, each in value.items()}}
        case set() | frozenset() if value and all(isinstance(each, str) for each in value):
            return {"SS": sorted(value)}
    raise TypeError(f"{type(value).__name__} is no attribute value here")


def plain(attribute: Mapping[str, Any]) -> Any:
    """An attribute value as a plain one.

    Raises:
        TypeError: No attribute of the table is of this kind.
    """
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "L":
            return [plain(each) for each in value]
        case "M":
            return {name: plain(each) for name, each in value.items()}
        case "SS":
            return set(value)
    raise TypeError(f"an attribute of the kind {kind} has no meaning here")
