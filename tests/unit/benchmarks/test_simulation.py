"""The simulation agrees with queueing theory where theory has an answer, and keeps what the line promises elsewhere."""

from __future__ import annotations

import statistics
import sys

import pytest

from benchmarks import simulation
from benchmarks.simulation import Arrival, Stages, burst, capacity, mix_of, percentiles, poisson, simulate

ONLY_GENERATING = Stages(0, 0, generating=10, spread=0, noticing=0, collecting=0, leaving=0, waking=0)


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_one_slot_waits_as_pollaczek_and_khinchine_say(spread: float) -> None:
    stages = Stages(0, 0, generating=10, spread=spread, noticing=0, collecting=0, leaving=0, waking=0)
    rate = 0.06
    outcome = simulate(poisson(rate, 12_000, {1: 1}, seed=3), stages, slots=1)
    expected = rate * 10**2 * (1 + spread**2) / (2 * (1 - rate * 10))
    assert statistics.fmean(outcome.waits) == pytest.approx(expected, rel=0.1)
    assert outcome.used == pytest.approx(rate * 10, rel=0.05)


def test_a_burst_takes_as_many_rounds_as_it_needs() -> None:
    outcome = simulate(burst(20, {1: 1}), ONLY_GENERATING, slots=9)
    assert outcome.makespan == pytest.approx(30)
    assert sorted(outcome.waits) == pytest.approx([0] * 9 + [10] * 9 + [20] * 2)
    assert outcome.longest_line == 11
    assert outcome.used == pytest.approx(1)


def test_the_stages_add_up_for_who_does_not_wait() -> None:
    stages = Stages()
    outcome = simulate([Arrival(5.0)], stages, slots=9)
    assert outcome.waits == pytest.approx([stages.accepting + stages.dispatching])
    way = stages.accepting + stages.dispatching + stages.generating + stages.noticing + stages.collecting
    assert outcome.totals == pytest.approx([way])


def test_who_comes_with_five_does_not_wait_for_nine_hundred() -> None:
    few = [Arrival(1.0, caller="few") for _ in range(5)]
    outcome = simulate([*burst(900, {1: 1}, caller="many"), *few], ONLY_GENERATING, slots=9)
    assert max(outcome.waits_of["few"]) <= 30
    assert max(outcome.waits_of["many"]) > 900


def test_small_ones_do_not_starve_a_large_one() -> None:
    large = Arrival(1.0, n=9, caller="large")
    outcome = simulate([*burst(200, {1: 1}, caller="small"), large], ONLY_GENERATING, slots=9)
    assert outcome.waits_of["large"][0] <= 40


def test_a_task_of_more_images_than_slots_takes_them_all() -> None:
    outcome = simulate(burst(3, {9: 1}), ONLY_GENERATING, slots=4)
    assert outcome.makespan == pytest.approx(30)


def test_the_same_seed_says_the_same() -> None:
    stages, mix = Stages(spread=0.4), {1: 3, 4: 1}
    first, second = (simulate(poisson(0.2, 300, mix, seed=5), stages, 9, seed=5).waits for _ in range(2))
    assert first == second


def test_capacity_counts_whole_tasks() -> None:
    assert capacity(ONLY_GENERATING, {1: 1}, 9) == pytest.approx(0.9)
    assert capacity(ONLY_GENERATING, {4: 1}, 9) == pytest.approx(0.2)
    assert capacity(ONLY_GENERATING, {9: 1}, 4) == pytest.approx(0.1)
    assert capacity(ONLY_GENERATING, {1: 1, 3: 1}, 8) == pytest.approx(0.4)


def test_a_mix_is_read_from_text() -> None:
    assert mix_of("1:3,4:1") == {1: 3, 4: 1}
    assert mix_of("2") == {2: 1}


def test_percentiles_of_one_value() -> None:
    assert percentiles([7.0]) == (7.0, 7.0, 7.0)


@pytest.mark.parametrize("arguments", [["--rate", "0.3", "--n-mix", "1:3,2:1"], []])
def test_the_command_says_how_long_tasks_wait(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["simulation", "--slots", "20", "--count", "50", *arguments])
    simulation.main()
    said = capsys.readouterr().out
    assert said.startswith("50 tasks in ")
    assert "until the provider has it: p50 " in said
