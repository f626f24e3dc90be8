"""The order of service that the crowds of the chaos ring measure."""

from __future__ import annotations

from typing import Any

from tests.chaos.crowds import Burst


def served(*sequences: int) -> list[dict[str, Any]]:
    """Tasks in the order of service, a second apart."""
    return [
        {
            "task_id": str(sequence),
            "sequence": sequence,
            "slots_acquired_at": place * 1_000,
            "dispatched_at": place * 1_000,
        }
        for place, sequence in enumerate(sequences)
    ]


def test_task_that_found_a_free_slot_is_not_away_from_its_turn():
    burst = Burst(tasks=served(1, 30, 2, 3, 4), full_at=1_500)
    assert burst.unqueued() == 2
    assert burst.displacements() == [0, 0, 0]


def test_task_that_overtakes_waiting_tasks_is_away_from_its_turn():
    burst = Burst(tasks=served(1, 2, 5, 3, 4), full_at=1_500)
    assert burst.displacements() == [2, 1, 1]


def test_crowd_that_never_waited_has_no_displacement():
    burst = Burst(tasks=served(3, 2, 1))
    assert burst.unqueued() == 3
    assert burst.displacements() == []


def test_second_caller_is_not_part_of_the_crowd():
    burst = Burst(tasks=served(1, 9, 2, 3), few={"9"}, full_at=0)
    assert burst.displacements() == [0, 0, 0]


def test_place_of_a_second_caller_counts_from_the_start_of_its_workflow():
    burst = Burst(tasks=served(1, 2, 3, 9, 4), few={"9"}, started={"9": 1_500})
    assert burst.places_of_few() == [1]
