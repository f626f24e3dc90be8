"""The provider's secret is unreadable, or has lost an account: slots are still released, and no task is paid twice."""

from __future__ import annotations

import pytest

from kiln import aws, secrets
from kiln.provider import ProviderError, Verdict
from kiln.provider.accounts import provider_for
from kiln.slots.store import Slots
from kiln.workflow import collect, dispatch, poll
from kiln.workflow.collect import collect as collect_step
from kiln.workflow.outcomes import Outcome
from kiln.workflow.poll import poll as poll_step
from kiln.workflow.reconcile import reconcile
from kiln.workflow.release import release_and_wake
from tests.support import account
from tests.support.account import put_secret
from tests.support.fakes import FakeProvider, client_error
from tests.support.several_accounts import accept, created, put_accounts, run, stored

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def providers(monkeypatch) -> dict[str, FakeProvider]:
    """The accounts ``a`` and ``b``, with a slot each; the secret is asked for each of them."""
    put_accounts(a=1, b=1)
    made = {name: FakeProvider() for name in ("default", "a", "b")}

    def checked(name: str) -> FakeProvider:
        provider_for(name)
        return made[name]

    for step in (dispatch, poll, collect):
        monkeypatch.setattr(step, "provider_for", checked)
    return made


@pytest.fixture(params=["bad JSON", "a wrong entry", "an outage", "a withdrawn permission"])
def make_unreadable(request, monkeypatch):
    """Makes the secret unreadable, in a process that has read it or in a new one."""

    def make(*, is_new: bool) -> None:
        if is_new:
            account.forget()
        if request.param in ("bad JSON", "a wrong entry"):
            put_secret("kiln-provider", '{"accounts"' if request.param == "bad JSON" else {"accounts": [5]})
        else:
            code = "InternalServiceError" if request.param == "an outage" else "AccessDeniedException"

            def refuse(**_):
                raise client_error(code)

            monkeypatch.setattr(aws.secrets_manager(), "get_secret_value", refuse)
        if not is_new and request.param != "an outage":
            secrets.forget()

    return make


@pytest.mark.parametrize("is_new", [False, True])
def test_unreadable_secret_leaves_release_hand_over_and_reconciliation_working(providers, make_unreadable, is_new):
    accept("t1", "t2", "t3")
    assert [run(each) for each in ("t1", "t2", "t3")] == [Outcome.DISPATCHED, Outcome.DISPATCHED, Outcome.QUEUED]
    make_unreadable(is_new=is_new)
    release_and_wake("t1", 1)
    assert not Slots().state().is_held_by("t1")
    assert Slots().state().is_held_by("t2")
    # The next task holds the slot that is free: at the account that is known, or at the default one.
    assert Slots().state().account_of("t3") == ("default" if is_new else "a")
    reconcile()
    release_and_wake("t2", 1)
    assert not Slots().state().is_held_by("t2")


def test_unreadable_secret_is_in_the_log_without_its_keys(providers, logged_at_root):
    put_secret("kiln-provider", {"accounts": [{"name": "a", "api_key": ["hunter2"]}]})
    account.forget()
    Slots().pools()
    assert (
        "expected the provider's secret, got: secret kiln-provider: account a: api_key must be"
        in logged_at_root.getvalue()
    )
    assert "hunter2" not in logged_at_root.getvalue()


def test_unreadable_secret_is_asked_for_again_after_half_a_minute_only(providers, monkeypatch):
    account.forget()
    asked = []

    def refuse(**_):
        asked.append(1)
        raise client_error("InternalServiceError")

    monkeypatch.setattr(aws.secrets_manager(), "get_secret_value", refuse)
    for _ in range(5):
        Slots().pools()
    assert len(asked) == 1


def test_task_of_an_unreadable_secret_goes_to_a_real_account_later(providers, stopped_clock):
    accept("t")
    put_secret("kiln-provider", '{"accounts"')
    account.forget()
    run()
    assert (stored().account, created(providers)) == ("default", {})
    put_accounts(a=1, b=1)
    account.forget()
    stopped_clock.advance(60)
    reconcile()
    assert run(steps=8) is Outcome.DISPATCHED
    assert created(providers) == {"a": 1}
    assert stored().account == "a"


def test_parked_tasks_of_a_removed_account_are_woken_and_move(providers, stopped_clock):
    put_accounts(a=2)
    accept("t1", "t2")
    providers["a"].create_errors += [(ProviderError(Verdict.ACCOUNT, "arrears", 1102), False)] * 2
    run("t1", steps=1), run("t2", steps=1)
    put_accounts(b=2)
    stopped_clock.advance(60)
    assert reconcile().woken == 2
    assert [run("t1"), run("t2")] == [Outcome.DISPATCHED] * 2
    assert created(providers) == {"b": 2}


def test_task_in_doubt_at_a_removed_account_stays_there(providers, stopped_clock):
    accept("t")
    providers["a"].create_errors.append((ProviderError(Verdict.UNKNOWN, "no answer"), True))
    run(steps=1)
    put_accounts(b=1)
    assert run() in (Outcome.AGAIN, Outcome.PARKED)
    assert (stored().account, created(providers)) == ("a", {"a": 1})
    put_accounts(a=1, b=1)
    stopped_clock.advance(60)
    assert run() is Outcome.ADOPTED
    assert created(providers) == {"a": 1}


def test_poll_and_collect_of_a_removed_account_ask_again(providers):
    accept("t")
    run()
    put_accounts(b=1)
    answer = poll_step("t")
    assert answer.outcome is Outcome.AGAIN
    assert "has no account a" in answer.reason
    assert collect_step("t").outcome is Outcome.AGAIN
    put_accounts(a=1)
    providers["a"].tasks[stored().run_id]["task_status"] = "processing"
    assert collect_step("t").outcome is Outcome.AGAIN
    assert providers["a"].queried


def test_bound_task_without_slots_gets_some_although_its_account_is_removed(providers):
    accept("t", account="gone")
    run()
    assert Slots().state().is_held_by("t") or created(providers)


@pytest.mark.parametrize(("code", "account_then"), [(0, "a"), (1303, "b")])
def test_only_a_429_with_a_code_is_a_sure_refusal(providers, code, account_then, stopped_clock):
    """A gateway may answer 429 although the provider has the task."""
    accept("t")
    wait = ProviderError(Verdict.WAIT, "too many requests", code)
    providers["a"].create_errors += [(wait, False), (ProviderError(Verdict.ACCOUNT, "arrears", 1102), False)]
    run(steps=2)
    run(steps=2)
    assert stored().account == account_then
