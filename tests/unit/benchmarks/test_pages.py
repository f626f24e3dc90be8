"""Pages with generated tables: only the tables change, and a page that lacks one is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.reporting import pages
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


def test_check_of_an_outdated_page_fails_and_writing_repairs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cost.md").write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(pages, "DOCS", tmp_path)

    def run(*flags: str) -> int:
        monkeypatch.setattr(sys, "argv", ["cost", *flags])
        return pages.write_or_check("cost.md", lambda: {"one": "A", "two": "B"}, module="cost", target="cost")

    assert run("--check") == 1
    assert capsys.readouterr().err == "docs/cost.md is out of date. Run `make cost`.\n"
    assert run() == 0
    assert run("--check") == 0
