"""DynamoDB's attribute values: plain values to ``{"S": …}`` and back, by boto3's own converters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer


class _ReadsIntegers(TypeDeserializer):
    """Reads numbers as ``int``: the table has no others. boto3's own makes a ``Decimal`` of each."""

    def _deserialize_n(self, value: str) -> int:
        return int(value)


# Untyped, because the types of an attribute value in the stubs fit only one operation each.
_serializer: Any = TypeSerializer()
_deserializer: Any = _ReadsIntegers()


def attribute_of(value: Any) -> dict[str, Any]:
    """A plain value as an attribute value.

    Raises:
        TypeError: DynamoDB has no attribute of this kind.
    """
    attribute: dict[str, Any] = _serializer.serialize(value)
    return attribute


def plain(attribute: Mapping[str, Any]) -> Any:
    """An attribute value as a plain one.

    Raises:
        TypeError: DynamoDB has no attribute of this kind.
    """
    return _deserializer.deserialize(attribute)
