"""The simulation agrees with queueing theory where theory has an answer, and is fair elsewhere."""

from __future__ import annotations

import statistics
import sys

import pytest

from benchmarks.modelling.waiting import __main__ as command
from benchmarks.modelling.waiting.arrivals import Arrival, burst, mix_of, poisson
from benchmarks.modelling.waiting.simulation import percentiles, simulate
from benchmarks.modelling.waiting.stages import Stages, capacity

ONLY_GENERATING = Stages(0, 0, generating=10, spread=0, noticing=0, collecting=0, leaving=0, waking=0)


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_one_slot_gives_the_mean_wait_of_pollaczek_and_khinchine(spread: float) -> None:
    stages = Stages(0, 0, generating=10, spread=spread, noticing=0, collecting=0, leaving=0, waking=0)
    rate = 0.06
    outcome = simulate(poisson(rate, 12_000, {1: 1}, seed=3), stages, slots=1)
    expected = rate * 10**2 * (1 + spread**2) / (2 * (1 - rate * 10))
    assert statistics.fmean(outcome.waits) == pytest.approx(expected, rel=0.1)
    assert outcome.used == pytest.approx(rate * 10, rel=0.05)


def test_burst_of_twenty_on_nine_slots_takes_three_rounds() -> None:
    outcome = simulate(burst(20, {1: 1}), ONLY_GENERATING, slots=9)
    assert outcome.makespan == pytest.approx(30)
    assert sorted(outcome.waits) == pytest.approx([0] * 9 + [10] * 9 + [20] * 2)
    assert outcome.longest_queue == 11
    assert outcome.used == pytest.approx(1)


def test_task_that_does_not_wait_takes_the_sum_of_its_stages() -> None:
    stages = Stages()
    outcome = simulate([Arrival(5.0)], stages, slots=9)
    assert outcome.waits == pytest.approx([stages.accepting + stages.dispatching])
    way = stages.accepting + stages.dispatching + stages.generating + stages.noticing
    way += stages.leaving + stages.collecting
    assert outcome.totals == pytest.approx([way])


def test_caller_of_five_tasks_does_not_wait_for_a_caller_of_nine_hundred() -> None:
    few = [Arrival(1.0, caller="few") for _ in range(5)]
    outcome = simulate([*burst(900, {1: 1}, caller="many"), *few], ONLY_GENERATING, slots=9)
    assert max(outcome.waits_of["few"]) <= 30
    assert max(outcome.waits_of["many"]) > 900


def test_small_tasks_do_not_starve_a_large_one() -> None:
    large = Arrival(1.0, n=9, caller="large")
    outcome = simulate([*burst(200, {1: 1}, caller="small"), large], ONLY_GENERATING, slots=9)
    assert outcome.waits_of["large"][0] <= 40


def test_task_of_more_images_than_slots_acquires_all_slots() -> None:
    outcome = simulate(burst(3, {9: 1}), ONLY_GENERATING, slots=4)
    assert outcome.makespan == pytest.approx(30)


@pytest.mark.parametrize("accounts", [2, 4])
@pytest.mark.parametrize("mix", [{1: 1}, {1: 3, 2: 2, 4: 1}])
def test_accounts_serve_nearly_as_many_times_the_tasks(accounts: int, mix: dict[int, int]) -> None:
    stages = Stages(spread=0.3)
    one = simulate(burst(500, mix, seed=1), stages, 9, seed=1).makespan
    several = simulate(burst(500 * accounts, mix, seed=1), stages, 9, seed=1, accounts=accounts).makespan
    assert one / several >= 0.95


def test_same_seed_gives_the_same_waits() -> None:
    stages, mix = Stages(spread=0.4), {1: 3, 4: 1}
    first, second = (simulate(poisson(0.2, 300, mix, seed=5), stages, 9, seed=5).waits for _ in range(2))
    assert first == second


def test_capacity_of_one_size_counts_whole_tasks() -> None:
    assert capacity(ONLY_GENERATING, {1: 1}, 9) == pytest.approx(0.9)
    assert capacity(ONLY_GENERATING, {4: 1}, 9) == pytest.approx(0.2)
    assert capacity(ONLY_GENERATING, {9: 1}, 4) == pytest.approx(0.1)
    assert capacity(ONLY_GENERATING, {1: 1, 3: 1}, 8) == pytest.approx(0.4)


def test_written_mix_gives_weights_by_n() -> None:
    assert mix_of("1:3,4:1") == {1: 3, 4: 1}
    assert mix_of("2") == {2: 1}


def test_percentiles_of_one_value_are_that_value() -> None:
    assert percentiles([7.0]) == (7.0, 7.0, 7.0)


@pytest.mark.parametrize("arguments", [["--rate", "0.3", "--n-mix", "1:3,2:1"], []])
def test_command_prints_how_long_tasks_wait(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["waiting", "--slots", "20", "--count", "50", *arguments])
    command.main()
    output = capsys.readouterr().out
    assert output.startswith("50 tasks in ")
    assert "until the provider has the task: p50 " in output
