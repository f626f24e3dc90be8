"""The schemas of the published documents: JSON Schema's keywords only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kiln.documents.asyncapi import asyncapi
from kiln.documents.openapi import openapi

PYDANTIC_KEYWORDS = {"ge", "gt", "le", "lt", "max_length", "min_length", "multiple_of"}


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(each)


@pytest.mark.parametrize("document", [openapi, asyncapi])
def test_limits_have_the_keywords_of_json_schema(document: Any) -> None:
    assert PYDANTIC_KEYWORDS & set(_keys(document())) == set()
