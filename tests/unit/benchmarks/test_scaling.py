"""Limits: each is a quota divided by what a task takes of it, sorted by load; the history and the slots' item."""

from __future__ import annotations

import pytest

from benchmarks import workflow
from benchmarks.data import recorded_calls
from benchmarks.data.prices import PriceList
from benchmarks.modelling.scaling import slots_item
from benchmarks.modelling.scaling.history import events_of, seconds_until_full
from benchmarks.modelling.scaling.limits import Limit, limits
from benchmarks.modelling.scaling.tables import template_parameters
from benchmarks.modelling.waiting.stages import Stages, capacity
from benchmarks.workflow import POLLING_ROUND, WAITING_ROUND


@pytest.fixture(scope="module")
def listed() -> list[Limit]:
    return limits(recorded_calls.read(), Stages(), template_parameters(), PriceList())


def test_limits_are_sorted_by_load_and_the_providers_slots_are_first(listed: list[Limit]) -> None:
    assert [each.at for each in listed] == sorted(each.at for each in listed)
    assert "provider's slots" in listed[0].what


def test_limit_is_its_quota_divided_by_the_use_of_one_task(listed: list[Limit]) -> None:
    (transitions,) = [each for each in listed if each.what == "state transitions"]
    a_task = sum(recorded_calls.read().of(1, by_timer=False).transitions.values())
    assert transitions.at == (5_000 / a_task, 800 / a_task)


def test_every_limit_has_its_own_name_and_says_what_to_change(listed: list[Limit]) -> None:
    assert all(each.change and each.quota and each.use for each in listed)
    assert len({each.what for each in listed}) == len(listed)


def test_rounds_follow_the_workflows_transitions() -> None:
    states = workflow.states()
    for path in (POLLING_ROUND, WAITING_ROUND):
        for name, following in zip(path, [*path[1:], path[0]], strict=True):
            assert following in _next(states[name]), f"{name} does not lead to {following}"


def test_history_is_full_after_the_rounds_that_fit() -> None:
    events = events_of(POLLING_ROUND)
    assert seconds_until_full(POLLING_ROUND, 30, used=0) == 25_000 // events * 30
    assert seconds_until_full(POLLING_ROUND, 30, used=events) == (25_000 // events - 1) * 30


def test_slots_exhaust_their_item_and_one_fewer_does_not() -> None:
    stages = Stages()
    most = slots_item.slots_that_exhaust_it(stages)
    assert _writes_a_second(stages, most) >= 1_000 > _writes_a_second(stages, most - 1)


def _writes_a_second(stages: Stages, slots: int) -> float:
    units = slots_item.WRITES * -(-slots * slots_item.SLOT_NAME_BYTES // 1_024)
    return capacity(stages, {1: 1}, slots) * units


def _next(state: dict[str, object]) -> set[object]:
    catches = {each["Next"] for each in state.get("Catch", [])}  # type: ignore[attr-defined]
    choices = {each["Next"] for each in state.get("Choices", [])}  # type: ignore[attr-defined]
    return catches | choices | {state.get("Next"), state.get("Default")}
