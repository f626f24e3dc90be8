"""List prices by region, and assumptions, as written down in ``prices.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FILE = Path(__file__).with_suffix(".toml")
GB = 1_000_000_000


@dataclass(frozen=True)
class Price:
    """A line of the price list.

    Attributes:
        unit: What is charged for.
        page: Where AWS publishes the price.
        amounts: By region, in dollars.
    """

    unit: str
    page: str
    amounts: Mapping[str, float]


@dataclass(frozen=True)
class Assumption:
    """A value that cannot be measured here."""

    value: float
    what: str


class PriceList:
    """The prices of one region, and the assumptions.

    Args:
        region: ``us`` or ``sg``.
        path: The file.
    """

    def __init__(self, region: str = "us", path: Path = FILE) -> None:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        self.regions: dict[str, str] = read["regions"]
        self.region = region
        self.written_down: str = read["written_down"]
        self.lines = {
            name: Price(line["unit"], line["page"], {each: line[each] for each in self.regions})
            for name, line in read["prices"].items()
        }
        self.assumptions = {name: Assumption(line["value"], line["what"]) for name, line in read["assumptions"].items()}

    def of(self, name: str) -> float:
        """Return a price."""
        return self.lines[name].amounts[self.region]

    def assumed(self, name: str) -> float:
        """Return an assumption."""
        return self.assumptions[name].value

    @cached_property
    def month_hours(self) -> float:
        """Hours of a month."""
        return self.assumed("month_hours")
