"""One measured figure, its reference and its goal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        name: What was measured.
        measured: With its unit.
        reference: What ran beside it, with its unit; empty if the figure has no reference.
        ratio: Measured divided by reference, or the measured number if there is no reference.
        goal: The largest ratio that meets the goal, or the smallest if ``at_least``.
        at_least: Whether more is better.
    """

    name: str
    measured: str
    reference: str
    ratio: float
    goal: float | None = None
    at_least: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; ``None`` if there is no goal."""
        if self.goal is None:
            return None
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal

    @property
    def shown_ratio(self) -> str:
        """The ratio as tables show it."""
        return f"{self.ratio:.2f}" if self.ratio < 10 else f"{self.ratio:.0f}"

    @property
    def shown_goal(self) -> str:
        """The goal as tables show it."""
        return "" if self.goal is None else f"{'≥' if self.at_least else '≤'} {self.goal:.3g}"
