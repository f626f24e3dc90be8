"""Pages whose tables a script writes: each table stands between two comments, the prose around it is a person's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"

_TABLE = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; every column but the first is set to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(text: str, tables: Mapping[str, str]) -> str:
    """A page with its tables put in.

    Raises:
        ValueError: The page has a table that nobody writes, or lacks one.
    """
    named = {match["name"] for match in _TABLE.finditer(text)}
    if named != set(tables):
        raise ValueError(f"tables of the page: {sorted(named)}, written: {sorted(tables)}")
    return _TABLE.sub(lambda match: f"{match[1]}{tables[match['name']]}\n{match[3]}", text)


def write(page: str, tables: Mapping[str, str]) -> None:
    """Puts the tables into a page of ``docs/``."""
    path = DOCS / page
    path.write_text(filled(path.read_text(encoding="utf-8"), tables), encoding="utf-8")


def is_current(page: str, tables: Mapping[str, str]) -> bool:
    """Whether a page has the tables as they would be written now."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return filled(text, tables) == text


def dollars(amount: float) -> str:
    """An amount, with as many digits as tell something."""
    if amount >= 100:
        return f"{amount:,.0f}"
    return f"{amount:.2f}" if amount >= 0.1 or amount == 0 else f"{amount:.4f}"
