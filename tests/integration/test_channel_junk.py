"""Seeded junk in the three channels: no 5xx, nothing stuck, nothing grows, and every request has an answer."""

from __future__ import annotations

import time

from tests.chaos.channels import (
    assert_nothing_came_of_it,
    look_around,
    of_requests,
    throw_at_bus,
    throw_at_callbacks,
    throw_at_inbox,
)
from tests.chaos.junk import Junk
from tests.integration.client import Client
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded

SEED = 11
THROWS = 25


def test_junk_in_the_inbox_is_refused(kiln: Deployment) -> None:
    since, before, junk = time.time(), look_around(kiln), Junk(SEED)
    for number in range(THROWS):
        throw_at_inbox(kiln, junk, before, f"junk-{number}")
    assert_nothing_came_of_it(kiln, before, since)
    assert len(before.expected) > THROWS // 2


def test_junk_callbacks_are_refused(kiln: Deployment, client: Client) -> None:
    task_id = client.create()
    task = assert_succeeded(kiln, client, task_id)
    since, before, junk = time.time(), look_around(kiln), Junk(SEED)
    for _ in range(THROWS):
        throw_at_callbacks(kiln, junk, task_id, is_signed=False)
    assert assert_nothing_came_of_it(kiln, before, since) == 0
    assert of_requests(look_around(kiln).items) <= of_requests(before.items)
    assert client.get(task_id) == task


def test_junk_on_the_bus_is_refused(kiln: Deployment) -> None:
    since, before, junk = time.time(), look_around(kiln), Junk(SEED)
    for _ in range(THROWS):
        throw_at_bus(kiln, junk, before)
    assert_nothing_came_of_it(kiln, before, since)
    assert len(before.asked) > THROWS // 2
