"""Estimates: what the stage times of recent tasks say of a task, and where they say nothing."""

from __future__ import annotations

import random

import pytest

from kiln import clock
from kiln.contract import TaskStatus
from kiln.tasks.estimates import LEAST_SAMPLES, MOST_SAMPLES, VALID_SECONDS, Estimates, Measurements
from tests.support.samples import make_task


def measured(**changes) -> Measurements:
    """Tasks of one image that hold a slot for 20 s and end 5 s later."""
    fields = {"samples": [[20_000, 25_000]] * 3, "slots": 2, "waiting": 0, "measured_at": clock.milliseconds()}
    return Measurements(**{**fields, **changes})


def test_waiting_task_takes_the_time_of_the_queue_and_its_own():
    assert measured().seconds_until_end(4) == 4 * 20 / 2 + 25


def test_running_task_takes_what_is_left_of_its_own_time():
    assert measured().seconds_until_end(elapsed_seconds=10) == 15


def test_task_that_takes_longer_than_most_has_no_estimate():
    assert measured().seconds_until_end(elapsed_seconds=25) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"samples": [[1, 1]] * (LEAST_SAMPLES - 1)},
        {"measured_at": clock.milliseconds() - VALID_SECONDS * 1_001},
        {"slots": 0},
    ],
)
def test_too_few_old_or_paused_measurements_give_no_estimate(changes):
    assert measured(**changes).seconds_until_end(1) is None


@pytest.mark.parametrize(("waiting", "seconds"), [(0, 25), (1, 45), (500, 60)])
def test_retry_after_comes_from_the_queue_within_bounds(waiting, seconds):
    assert measured(waiting=waiting).retry_after() == seconds
    assert Measurements().retry_after() == 5


def test_ended_tasks_add_samples_and_the_oldest_are_dropped(cloud):
    estimates = Estimates()
    now = clock.milliseconds()
    times = {"slots_acquired_at": now - 30_000, "collecting_at": now - 10_000, "updated_at": now}
    succeeded = make_task(n=2, task_status=TaskStatus.SUCCEED, **times)
    others = [make_task(task_status=TaskStatus.FAILED, **times), make_task(task_status=TaskStatus.PROCESSING)]
    estimates.measure(estimates.read(), [succeeded, *others], ["task-2"], slots=3, waiting=7)
    kept = estimates.read()
    assert (kept.samples, kept.watched, kept.slots, kept.waiting) == ([[40_000, 30_000]], ["task-2"], 3, 7)
    estimates.measure(kept, [succeeded] * 2 * MOST_SAMPLES, [], slots=3, waiting=7)
    assert len(estimates.read().samples) == MOST_SAMPLES
    assert estimates.eta_seconds(make_task(queue="waiting"), 3) == 3 * 40 / 3 + 30
    assert estimates.eta_seconds(make_task(), None) is None
    assert estimates.eta_seconds(succeeded, None) is None


def test_unchanged_measurements_are_not_written(cloud, monkeypatch):
    estimates = Estimates()
    estimates.measure(estimates.read(), [], [], slots=3, waiting=0)
    before = estimates.read()
    monkeypatch.setattr(estimates._client, "update_item", lambda **_: pytest.fail("it writes"))
    estimates.measure(before, [], [], slots=3, waiting=0)


def test_estimates_of_a_simulated_queue_are_within_a_third_for_four_of_five():
    """The figure of docs/api.md: service times that differ by a third around their mean, nine slots, 200 tasks."""
    chance = random.Random(7)

    def service() -> float:
        return max(1.0, chance.gauss(30, 10))

    past = [service() for _ in range(MOST_SAMPLES)]
    known = measured(samples=[[int(each * 1_000), int(each * 1_000) + 3_000] for each in past], slots=9)
    free_at = [chance.uniform(0, 30) for _ in range(9)]
    errors = []
    for position in range(1, 201):
        slot = free_at.index(min(free_at))
        free_at[slot] += service()
        estimate = known.seconds_until_end(position)
        assert estimate
        errors.append(abs(free_at[slot] + 3 - estimate) / estimate)
    assert sorted(errors)[int(len(errors) * 0.8)] < 1 / 3
