"""Seeded junk in the three channels, in quantity, with the provider's callbacks signed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.chaos.channels import (
    assert_nothing_came_of_it,
    look_around,
    throw_at_bus,
    throw_at_callbacks,
    throw_at_inbox,
)
from tests.chaos.invariants import assert_kept
from tests.chaos.junk import Junk
from tests.chaos.scenarios import IMAGES
from tests.chaos.stacks import ChaosDeployment, broken_stack, client_of

SEED = int(os.environ.get("KILN_CHAOS_SEED", "20260"))
ROUNDS = int(os.environ.get("KILN_CHAOS_JUNK", "10"))
THROWS = 100
WEBHOOK_SECRET = "whsec_c2lnbnMgd2hhdCB0aGUgcHJvdmlkZXIgcG9zdHM="


@pytest.fixture(scope="module")
def kiln(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosDeployment]:
    """A stack whose provider signs."""
    with broken_stack(tmp_path_factory.mktemp("junk"), webhook_secret=WEBHOOK_SECRET) as deployed:
        yield deployed


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_junk_in_every_channel_is_refused_and_harms_no_task(
    kiln: ChaosDeployment, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with client_of(kiln) as client:
        task_id = client.create(n=IMAGES)
        task = assert_kept(kiln, client, task_id, n=IMAGES)
        since, before, junk = time.time(), look_around(kiln), Junk(seed)
        for number in range(THROWS):
            throw_at_inbox(kiln, junk, before, f"junk-{seed}-{number}")
            throw_at_bus(kiln, junk, before)
            throw_at_callbacks(kiln, junk, task_id, is_signed=True)
        made = assert_nothing_came_of_it(kiln, before, since)
        assert kiln.unfinished() == []
        assert client.get(task_id) == task
    with capsys.disabled():
        print(  # noqa: T201 - the figures of the run
            f"\n  seed {seed}: {3 * THROWS} thrown, {len(before.expected) + len(before.asked)} to be answered, "
            f"{made} were tasks"
        )
