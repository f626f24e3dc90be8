"""Utilisation: generation time divided by slot time, while tasks wait."""

from __future__ import annotations

import pytest

from benchmarks.measuring.tasks.utilisation import Generation, utilisation


def rounds(slots: int, count: int, *, pause: float) -> list[Generation]:
    """So many rounds of six seconds in every slot, with a pause in between."""
    begins = [number * (6 + pause) for number in range(count)]
    return [Generation(begin, begin + 6) for begin in begins for _ in range(slots)]


@pytest.mark.parametrize(("pause", "share"), [(0, 1.0), (2, 0.75), (6, 0.5)])
def test_pause_between_generations_lowers_utilisation(pause: float, share: float) -> None:
    assert utilisation(rounds(3, 5, pause=pause), slots=3) == pytest.approx(share)


def test_time_before_all_slots_are_busy_and_after_the_last_create_counts_for_nothing() -> None:
    ramp = [Generation(-100, 0), Generation(-50, 0), Generation(0, 6), Generation(0, 6), Generation(0, 6)]
    assert utilisation([*ramp, Generation(6, 6_000)], slots=3) == pytest.approx(1.0)


def test_generation_counts_within_the_window_only() -> None:
    assert utilisation([Generation(0, 10), Generation(2, 4), Generation(4, 9)], slots=2) == pytest.approx(1.0)
