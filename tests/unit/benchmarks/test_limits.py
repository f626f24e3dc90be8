"""Limits: each is a quota over what a task takes of it, and the first to bind comes first."""

from __future__ import annotations

import pytest

from benchmarks import limits, recordings, scaling
from benchmarks.limits import POLLING, TURNING, events_of, seconds_of_history, slots_that_bind
from benchmarks.pricing import PriceList
from benchmarks.simulation import Stages, capacity


@pytest.fixture(scope="module")
def listed() -> list[limits.Limit]:
    return limits.limits(recordings.read(), Stages(), scaling._parameters(), PriceList())


def test_the_first_to_bind_comes_first_and_it_is_the_provider(listed: list[limits.Limit]) -> None:
    assert [each.binds for each in listed] == sorted(each.binds for each in listed)
    assert "provider's slots" in listed[0].what


def test_a_limit_is_its_quota_over_what_a_task_takes(listed: list[limits.Limit]) -> None:
    (transitions,) = [each for each in listed if each.what == "state transitions"]
    a_task = sum(recordings.read().of(1, by_timer=False).transitions.values())
    assert transitions.binds == (5_000 / a_task, 800 / a_task)


def test_every_limit_says_what_to_turn(listed: list[limits.Limit]) -> None:
    assert all(each.turn and each.quota and each.use for each in listed)
    assert len({each.what for each in listed}) == len(listed)


def test_the_rounds_are_ways_through_the_workflow() -> None:
    states = limits.states()
    for path in (POLLING, TURNING):
        for name, following in zip(path, [*path[1:], path[0]], strict=True):
            assert following in _next(states[name]), f"{name} does not lead to {following}"


def test_history_is_full_after_as_many_rounds_as_fit() -> None:
    events = events_of(POLLING, limits.states())
    assert seconds_of_history(POLLING, 30, used=0) == 25_000 // events * 30
    assert seconds_of_history(POLLING, 30, used=events) == (25_000 // events - 1) * 30


def test_so_many_slots_bind_and_one_less_does_not() -> None:
    stages = Stages()
    binding = slots_that_bind(stages)
    assert _writes_a_second(stages, binding) >= 1_000 > _writes_a_second(stages, binding - 1)


def _writes_a_second(stages: Stages, slots: int) -> float:
    units = limits.SLOT_WRITES * -(-slots * limits.SLOT_NAME_BYTES // 1_024)
    return capacity(stages, {1: 1}, slots) * units


def _next(state: dict[str, object]) -> set[object]:
    catches = {each["Next"] for each in state.get("Catch", [])}  # type: ignore[attr-defined]
    choices = {each["Next"] for each in state.get("Choices", [])}  # type: ignore[attr-defined]
    return catches | choices | {state.get("Next"), state.get("Default")}
