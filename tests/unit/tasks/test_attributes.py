"""Attribute values: plain values keep their kind on the way to DynamoDB and back; numbers are integers."""

from __future__ import annotations

import pytest

from kiln.tasks.attributes import attribute_of, plain


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        (None, {"NULL": True}),
        (True, {"BOOL": True}),
        (0, {"N": "0"}),
        (1722769557708, {"N": "1722769557708"}),
        ("", {"S": ""}),
        (["a", 1], {"L": [{"S": "a"}, {"N": "1"}]}),
        ({"a": {"b": False}}, {"M": {"a": {"M": {"b": {"BOOL": False}}}}}),
        ({"a"}, {"SS": ["a"]}),
    ],
)
def test_value_is_converted_there_and_back(value, attribute):
    assert attribute_of(value) == attribute
    returned = plain(attribute)
    assert returned == value
    assert type(returned) is type(value)


def test_fraction_is_refused():
    with pytest.raises(TypeError):
        attribute_of(0.5)
