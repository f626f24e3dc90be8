"""The query parameters of usage: refusals."""

from __future__ import annotations

import pytest

from kiln.contract.usage import UsageQuery
from kiln.errors import InvalidRequest


@pytest.mark.parametrize("value", ["x", "2026-13-01", "01.11.2026", "2026-11-01T10:00:00"])
def test_wrong_day_is_refused_with_the_form_of_a_day(value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        UsageQuery.parse({"from": value})
    assert str(caught.value) == f"from: must be a day (YYYY-MM-DD), got '{value}'"
