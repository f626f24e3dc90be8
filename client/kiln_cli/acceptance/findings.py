"""The findings of an acceptance run: rows of what was checked, expected and got, and the report made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of a check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOTED = "noted"
    """A fact without an expected value, such as a duration."""


_MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: "–", Outcome.NOTED: "·"}
_CHARACTERS = 160


@dataclass(frozen=True)
class Finding:
    """One row.

    Attributes:
        area: The group of checks.
        check: The thing that was checked.
        expected: The value that passes; empty for a fact.
        got: The value that was found, or the reason why the check was skipped.
        outcome: Whether both agree.
    """

    area: str
    check: str
    expected: str
    got: str
    outcome: Outcome

    @property
    def mark(self) -> str:
        """The outcome as one character."""
        return _MARKS[self.outcome]


def row(area: str, check: str, expected: object, got: object, *, is_well: bool | None = None) -> Finding:
    """A row that passes if both values are equal, or if ``is_well`` says so."""
    passed = expected == got if is_well is None else is_well
    return Finding(area, check, _short(expected), _short(got), Outcome.PASSED if passed else Outcome.FAILED)


def fact(area: str, check: str, got: object) -> Finding:
    """A row that states a fact."""
    return Finding(area, check, "", _short(got), Outcome.NOTED)


def skipped(area: str, check: str, why: str) -> Finding:
    """A row for a check that could not run."""
    return Finding(area, check, "", why, Outcome.SKIPPED)


def summary(findings: Iterable[Finding]) -> str:
    """The number of findings of each outcome."""
    counts = Counter(each.outcome for each in findings)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)


def report(title: str, facts: Mapping[str, str], findings: list[Finding]) -> str:
    """The findings as a page in Markdown."""
    lines = [f"# {title}", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += [f"**{summary(findings)}**", "", "| | area | checked | expected | got |", "|---|---|---|---|---|"]
    for each in findings:
        cells = (each.mark, each.area, each.check, each.expected, each.got)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _CHARACTERS else text[: _CHARACTERS - 1] + "…"
