"""How what came is shown: short, and never an image."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field, ValidationError

from kiln.contract.violations import field_name, invalid_request, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "'a'"),
        ("a" * 80, f"'{'a' * 80}'"),
        ("a" * 81, "a string of 81 characters"),
        ([1, 2, 3], "a list of 3"),
        ({"a": 1}, "an object"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1.5, "1.5"),
        (10**200, "1" + "0" * 79),
    ],
)
def test_refused_value_is_cut_to_80_characters(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ((), "body"),
        (("n",), "n"),
        (("subject_image_list", 0, "subject_image"), "subject_image_list[0].subject_image"),
    ],
)
def test_field_is_named_as_a_caller_writes_it(location, path):
    assert field_name(location) == path


def test_unknown_violation_keeps_pydantics_message():
    class Model(BaseModel):
        ratio: float = Field(multiple_of=0.5)

    with pytest.raises(ValidationError) as violated:
        Model(ratio=0.3)
    assert invalid_request(violated.value).message == "ratio: Input should be a multiple of 0.5, got 0.3"
