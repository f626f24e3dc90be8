"""Pages with generated tables: only the tables change, and a page that lacks one is refused."""

from __future__ import annotations

import pytest

from benchmarks.reporting.pages import dollars, filled, table

PAGE = "before\n\n<!-- table: one -->\nold\nrows\n<!-- end -->\n\nbetween\n\n<!-- table: two -->\n<!-- end -->\nafter\n"


def test_tables_are_replaced_and_prose_stays() -> None:
    page = filled(PAGE, {"one": "A", "two": "B"})
    assert page == (
        "before\n\n<!-- table: one -->\nA\n<!-- end -->\n\nbetween\n\n<!-- table: two -->\nB\n<!-- end -->\nafter\n"
    )
    assert filled(page, {"one": "A", "two": "B"}) == page


@pytest.mark.parametrize("tables", [{"one": "A"}, {"one": "A", "two": "B", "three": "C"}])
def test_missing_or_unknown_table_is_refused(tables: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="the page must have the tables"):
        filled(PAGE, tables)


def test_table_has_a_head_and_a_line_for_each_row() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


@pytest.mark.parametrize(
    ("amount", "shown"), [(1234.5, "1,234"), (12.345, "12.35"), (0.12, "0.12"), (0.0123, "0.0123"), (0, "0.00")]
)
def test_amount_is_shown_with_its_significant_digits(amount: float, shown: str) -> None:
    assert dollars(amount) == shown
