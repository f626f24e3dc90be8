"""A seeded handful of what ``make chaos`` does at length: broken calls, mixtures of faults, and a small crowd."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from local.receiver import Receiver
from tests.chaos.batch_scenarios import abandoned_batch
from tests.chaos.breaking import break_at, record
from tests.chaos.crowds import assert_served, drop_at_once
from tests.chaos.mixtures import draw, run
from tests.chaos.plans import CRASH_AFTER, CRASH_BEFORE, Plan, Point, plans_for
from tests.chaos.scenarios import api_task, queued_tasks, restarted_task
from tests.chaos.stacks import ChaosDeployment, broken_stack

SEED = 7
POINTS = 4
MIXTURES = 1
CROWD = 30
SLOTS = 9

BATCH_STORED = Point("Submit", "dynamodb.PutItem", occurrence=1, reach=1)
HAND_OVER = Point("Poll", "dynamodb.UpdateItem", occurrence=2, reach=1)
RESCUE = Point("Rescue", "stepfunctions.StartExecution", occurrence=1, reach=1)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosDeployment]:
    """A stack that is there to be broken."""
    with broken_stack(tmp_path_factory.mktemp("chaos")) as deployed:
        yield deployed


@pytest.fixture
def chaos(broken: ChaosDeployment) -> Iterator[ChaosDeployment]:
    """The same, with no fault in force before the test and after it, and no task left that would take long."""
    with broken.without_faults():
        yield broken


def test_crash_at_some_calls_leaves_no_task_unfinished(chaos: ChaosDeployment, receiver: Receiver) -> None:
    points = [point for point in record(chaos, receiver, api_task) if point.function != "Query" and point.reach == 1]
    plans = random.Random(SEED).sample(plans_for(points), POINTS)
    account = break_at(chaos, receiver, api_task, plans)
    assert account.broken == {}
    assert len(account.kept) >= POINTS // 2, account


def test_task_that_got_slots_before_a_crash_is_woken(chaos: ChaosDeployment, receiver: Receiver) -> None:
    """The function crashes in the middle of a hand-over: the next task does not wait for its timer."""
    account = break_at(chaos, receiver, queued_tasks, [Plan(HAND_OVER, CRASH_AFTER)])
    assert account.broken == {}
    assert account.missed == []


def test_batch_whose_request_crashes_finishes(chaos: ChaosDeployment, receiver: Receiver) -> None:
    """The function crashes before the first job is accepted, and the request does not come again."""
    account = break_at(chaos, receiver, abandoned_batch, [Plan(BATCH_STORED, CRASH_AFTER)])
    assert account.broken == {}
    assert account.missed == []


def test_crash_during_a_rescue_is_rescued(chaos: ChaosDeployment, receiver: Receiver) -> None:
    # Long enough for the stop to come before the task's end on a slow computer, too.
    chaos.set_faults(task_seconds=6)
    account = break_at(chaos, receiver, restarted_task, [Plan(RESCUE, CRASH_BEFORE)])
    assert account.broken == {}
    assert account.missed == []


@pytest.mark.parametrize("seed", range(SEED, SEED + MIXTURES))
def test_mixture_of_faults_keeps_every_invariant(chaos: ChaosDeployment, receiver: Receiver, seed: int) -> None:
    points = [point for point in record(chaos, receiver, api_task) if point.function != "Query"]
    mixture = draw(seed, points, tasks=3)
    print(mixture)  # noqa: T201 - shown beside a failure
    assert sum(run(chaos, mixture).values()) == 3
    assert not chaos.holders()
    assert chaos.dead_letters() == 0


def test_crowd_of_tasks_finishes(chaos: ChaosDeployment) -> None:
    chaos.set_faults(task_seconds=0.3)
    burst = drop_at_once(chaos, "crowd", CROWD)
    assert_served(chaos, burst, SLOTS)
