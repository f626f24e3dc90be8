"""Tasks where the provider has several accounts: chosen, refused, and refused after a create in doubt."""

from __future__ import annotations

import time

from local.receiver import Receiver
from tests.chaos.invariants import assert_at_one_account, assert_kept
from tests.chaos.scenarios import IMAGES, create
from tests.chaos.stacks import ChaosDeployment, client_of
from tests.integration.client import wait_until

FIRST = "default"
"""The account that a task gets when none has any."""

_STUCK_S = 3.0
"""A broken task that has not left a refused account after this time stays there, as it may have been created."""


def spread_task(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """A task that finds room at every account."""
    with client_of(kiln) as client:
        task_id = create(client, marker, n=IMAGES)
        assert_kept(kiln, client, task_id, n=IMAGES)
        assert_at_one_account(kiln, task_id)


def moved_task(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """A task whose first account is refused: it is created at another one, or where it may have been created."""
    kiln.forget_gates()
    kiln.set_faults(accounts={FIRST: {"account_error": 1102}})
    with client_of(kiln) as client:
        task_id = create(client, marker, n=IMAGES)
        began = time.monotonic()

        def is_decided() -> bool:
            is_stuck = kiln.injector.is_any_struck(marker) and time.monotonic() > began + _STUCK_S
            return is_stuck or kiln.generations(task_id) > 0

        wait_until(is_decided, "the task has left the account, or stays")
        if not kiln.injector.is_any_struck(marker):
            assert kiln.account_of(task_id) != FIRST
        kiln.set_faults()
        assert_kept(kiln, client, task_id, n=IMAGES)
        assert_at_one_account(kiln, task_id)


def doubtful_task(kiln: ChaosDeployment, receiver: Receiver, marker: str) -> None:
    """A task that was created without an answer, at an account that then refuses everything for a while."""
    kiln.forget_gates()
    lost = {"http_status": 502, "text": "bad gateway"}
    when = ["submitted", "processing", "succeed", "failed", "not_found"]
    answers = {"create": lost, "query": {**lost, "when": when}}
    kiln.set_faults(accounts={FIRST: {"answers_by_prompt": {marker: answers}}})
    with client_of(kiln) as client:
        task_id = create(client, marker, n=IMAGES)
        wait_until(lambda: kiln.generations(task_id), "the task is created and paid for")
        kiln.set_faults(accounts={FIRST: {"account_error": 1304}})
        wait_until(lambda: kiln.gate(FIRST).is_refused and kiln.gate(FIRST).probes, "its account is refused")
        assert kiln.found_at(task_id, but=FIRST) == []
        kiln.set_faults()
        assert_kept(kiln, client, task_id, n=IMAGES)
        assert_at_one_account(kiln, task_id)
