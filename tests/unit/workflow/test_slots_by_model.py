"""Slots by model: dispatch keeps to the secret's numbers, at a simulated provider that counts by account and model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from kiln.provider import Provider, credentials
from kiln.slots.store import Slots
from kiln.workflow import dispatch
from kiln.workflow.outcomes import Outcome
from kiln.workflow.release import release_and_wake
from local.provider.settings import AccountKeys
from tests.support.provider_rig import Rig, picture_bytes, provider
from tests.support.samples import SUBJECT_URL
from tests.support.several_accounts import accept, put_accounts, run, stored

pytestmark = pytest.mark.usefixtures("cloud")

OLD, NEW = "kling-v2", "kling-v2-1"
NAMES = ("a", "b")


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A provider with the accounts ``a`` and ``b``, at which no task ends."""
    keys = tuple(AccountKeys(name, f"ak-{name}", "a-secret-key-of-32-characters-ok", f"sk-{name}") for name in NAMES)
    with provider(other_accounts=keys, task_seconds=3_600) as running:

        def answer(request: httpx.Request) -> httpx.Response:
            answered = running.client.request(
                request.method, request.url.path, content=request.content, headers=dict(request.headers)
            )
            return httpx.Response(answered.status_code, content=answered.content)

        transport = httpx.MockTransport(answer)
        clients = {
            name: Provider(signer=credentials.Signer(account=name), client=httpx.Client(transport=transport))
            for name in NAMES
        }
        monkeypatch.setattr(dispatch, "provider_for", clients.__getitem__)
        running.outside.images[SUBJECT_URL] = picture_bytes()
        yield running


def count_by_model(rig: Rig, **slots: Any) -> None:
    """The provider's slots of each account."""
    rig.set_faults(accounts={name: {"max_slots_by_model": each} for name, each in slots.items()})


def test_no_task_is_refused_while_the_secret_has_the_providers_slots_by_model(rig: Rig) -> None:
    slots = {"a": {OLD: 1, NEW: 2}, "b": {OLD: 2, NEW: 0}}
    put_accounts(**slots)
    count_by_model(rig, **slots)
    accept(*(f"old-{each}" for each in range(5)), model_name=OLD)
    accept(*(f"new-{each}" for each in range(5)), model_name=NEW)
    outcomes = [run(f"{model}-{each}") for model in ("old", "new") for each in range(5)]
    assert outcomes == [Outcome.DISPATCHED] * 3 + [Outcome.QUEUED] * 2 + [Outcome.DISPATCHED] * 2 + [Outcome.QUEUED] * 3
    assert {name: (each["generated"], each["refused"]) for name, each in rig.stats()["by_account"].items()} == {
        "default": (0, 0),
        "a": (3, 0),
        "b": (2, 0),
    }


def test_released_slot_goes_to_the_next_task_of_its_model(rig: Rig) -> None:
    slots = {"a": {OLD: 1, NEW: 1}}
    put_accounts(**slots)
    count_by_model(rig, **slots)
    accept("old-1", "old-2", model_name=OLD)
    accept("new-1", "new-2", model_name=NEW)
    for each in ("old-1", "old-2", "new-1", "new-2"):
        run(each)
    release_and_wake("new-1", 1)
    assert Slots().state().tasks == ["new-2", "old-1"]


def test_provider_full_of_one_model_throttles_that_model_alone(rig: Rig) -> None:
    put_accounts(a={OLD: 3, NEW: 3})
    count_by_model(rig, a={OLD: 0, NEW: 3})
    accept("old-1", model_name=OLD)
    accept("new-1", "new-2", "new-3", model_name=NEW)
    assert run("old-1", steps=1) is Outcome.AGAIN
    assert [run(each) for each in ("new-1", "new-2", "new-3")] == [Outcome.DISPATCHED] * 3
    assert Slots().state().throttled == 2
    assert stored("old-1").refusal
