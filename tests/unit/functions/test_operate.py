"""The operate function: an operator's request is done or refused in words; nothing else gets through."""

from __future__ import annotations

import pytest

from kiln.operating import provider_keys
from kiln.provider import ProviderError, Verdict
from kiln.provider.credentials import Signer
from kiln.tasks.store import TaskStore
from tests.support.account import put_secret
from tests.support.functions import TASK_ID, invoke, sample
from tests.support.samples import add_task


def test_status_shows_limit_running_and_waiting():
    answer = invoke("operate", sample("operate-status"))
    assert answer["refusal"] == ""
    assert answer["result"]["slots"] == 9


@pytest.mark.parametrize(("operation", "is_paused"), [("pause", True), ("resume", False)])
def test_pause_resume_and_limit_change_dispatch(operation, is_paused):
    answer = invoke("operate", {"operation": operation})
    assert bool(answer["result"]["paused_at"]) is is_paused


def test_task_is_shown_ended_and_retried():
    add_task(TASK_ID)
    assert invoke("operate", {"operation": "show", "task_id": TASK_ID})["result"]["task_status"] == "submitted"
    assert invoke("operate", {"operation": "restart", "task_id": TASK_ID})["result"]["did"] == "started"
    invoke("operate", sample("operate-fail"))
    assert TaskStore().get(TASK_ID).task_status_msg == "The campaign was called off"
    assert invoke("operate", {"operation": "retry", "task_id": TASK_ID})["result"]["did"] == "created"


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({}, "operation"),
        ({"operation": "drop everything"}, "operation"),
        ({"operation": "show", "task_id": "a/b"}, "task_id"),
        ({"operation": "status", "more": 1}, "more"),
        ({"operation": "show", "task_id": "missing"}, "Task not found"),
    ],
)
def test_impossible_operation_is_refused(event, why):
    answer = invoke("operate", event)
    assert why in answer["refusal"]
    assert answer["result"] == {}


class Listing:
    """A provider account that answers, or does not."""

    def __init__(self, refusal: ProviderError | None = None) -> None:
        self._refusal = refusal

    def query_list(self, **page: int) -> list[object]:
        assert page == {"page_size": 1}
        if self._refusal:
            raise self._refusal
        return []


def test_accepted_keys_are_reported():
    assert provider_keys.check(provider=Listing()).accepted  # type: ignore[arg-type]


def test_refused_keys_are_reported_with_the_reason():
    refused = Listing(ProviderError(Verdict.ACCOUNT, "Auth failed", 1000))
    checked = provider_keys.check(provider=refused)  # type: ignore[arg-type]
    assert not checked.accepted
    assert checked.reason == "Auth failed (code 1000)"


def test_keys_of_each_account_are_checked(monkeypatch):
    entries = [{"name": name, "api_key": f"sk-{name}"} for name in ("a", "b")]
    put_secret("kiln-provider", {"accounts": [entries[0], entries[1] | {"draining": True}]})

    def account(_: object, signer: Signer) -> Listing:
        is_refused = signer.authorization() == "Bearer sk-b"
        return Listing(ProviderError(Verdict.ACCOUNT, "Auth failed", 1000) if is_refused else None)

    monkeypatch.setattr(provider_keys, "Provider", account)
    checked = provider_keys.check()
    assert (checked.accepted, checked.reason) == (False, "b: Auth failed (code 1000)")
    assert [each.model_dump() for each in checked.accounts] == [
        {"name": "a", "accepted": True, "is_draining": False, "reason": ""},
        {"name": "b", "accepted": False, "is_draining": True, "reason": "Auth failed (code 1000)"},
    ]


def test_unreadable_secret_is_a_refusal_of_the_keys():
    put_secret("kiln-provider", "not JSON")
    answer = invoke("operate", {"operation": "check-provider"})
    assert not answer["result"]["accepted"]
    assert "kiln-provider" in answer["result"]["reason"]
