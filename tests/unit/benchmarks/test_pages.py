"""Pages with written tables: only the tables change, and a page that lacks one is refused."""

from __future__ import annotations

import pytest

from benchmarks.pages import dollars, filled, table

PAGE = "before\n\n<!-- table: one -->\nold\nrows\n<!-- end -->\n\nbetween\n\n<!-- table: two -->\n<!-- end -->\nafter\n"


def test_tables_are_put_in_and_the_prose_is_left() -> None:
    text = filled(PAGE, {"one": "A", "two": "B"})
    assert text == (
        "before\n\n<!-- table: one -->\nA\n<!-- end -->\n\nbetween\n\n<!-- table: two -->\nB\n<!-- end -->\nafter\n"
    )
    assert filled(text, {"one": "A", "two": "B"}) == text


@pytest.mark.parametrize("tables", [{"one": "A"}, {"one": "A", "two": "B", "three": "C"}])
def test_a_table_without_a_place_or_a_place_without_a_table_is_refused(tables: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="tables of the page"):
        filled(PAGE, tables)


def test_a_table_has_a_head_and_a_line_a_row() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


@pytest.mark.parametrize(
    ("amount", "shown"), [(1234.5, "1,234"), (12.345, "12.35"), (0.12, "0.12"), (0.0123, "0.0123"), (0, "0.00")]
)
def test_amounts_have_as_many_digits_as_tell_something(amount: float, shown: str) -> None:
    assert dollars(amount) == shown
