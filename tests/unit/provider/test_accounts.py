"""The provider's accounts: read from one secret, each with slots, a weight, a client and a webhook secret."""

from __future__ import annotations

import json
import time

import pytest

from kiln import secrets
from kiln.errors import ConfigurationError
from kiln.provider import ProviderError, Verdict, accounts
from kiln.provider.accounts import Account, provider_for, slots_of, webhook_secrets
from kiln.provider.client import shared_provider
from kiln.provider.credentials import CACHE_SECONDS, Signer
from tests.support.account import put_secret

pytestmark = pytest.mark.usefixtures("cloud")

A = {"name": "a", "access_key": "ak-a", "secret_key": "secret-key-of-account-a-32-chars-"}
B = {"name": "b", "api_key": "sk-b"}


def put_accounts(*entries: object, **pair: object) -> None:
    put_secret("kiln-provider", {**pair, "accounts": list(entries)})
    secrets.forget()


def test_single_pair_is_account_default_with_the_installations_slots():
    assert accounts.accounts() == [Account("default", 9)]


@pytest.mark.parametrize(
    "secret", [{"access_key": "", "secret_key": ""}, {"accounts": []}, {"webhook_secret": "whsec_x"}]
)
def test_secret_without_keys_still_is_account_default(secret):
    put_secret("kiln-provider", secret)
    secrets.forget()
    assert accounts.accounts() == [Account("default", 9)]


def test_list_of_accounts_is_read_in_order():
    put_accounts(
        A | {"slots": 5, "weight": 3}, B | {"slots": {"kling-v2": 9, "kling-v2-1": 3}, "draining": True, "note": "x"}
    )
    assert accounts.accounts() == [
        Account("a", 5, weight=3),
        Account("b", {"kling-v2": 9, "kling-v2-1": 3}, is_draining=True),
    ]


def test_account_without_slots_has_the_installations():
    put_accounts(A, B | {"slots": None})
    assert [each.slots for each in accounts.accounts()] == [9, 9]


def test_pair_beside_the_list_is_account_default():
    put_accounts(A, api_key="sk-default", webhook_secret="whsec_d")
    assert [each.name for each in accounts.accounts()] == ["default", "a"]
    assert webhook_secrets() == ["whsec_d", ""]


def test_list_without_a_pair_has_no_default():
    put_accounts(A, access_key="", secret_key="")
    assert [each.name for each in accounts.accounts()] == ["a"]


def test_slots_are_for_all_models_or_for_each():
    assert slots_of(Account("a", 9), "kling-v2") == 9
    by_model = Account("b", {"kling-v2": 4})
    assert (slots_of(by_model, "kling-v2"), slots_of(by_model, "kling-v2-1")) == (4, 0)


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [
        ("hunter2", "body is missing or wrong"),
        ("[]", "content must be a JSON object"),
        ({"accounts": "hunter2"}, "accounts must be a list"),
        ({"access_key": 5}, "access_key must be a string"),
        ({"accounts": [A, "hunter2"]}, "account number 2: entry must be a JSON object"),
        ({"accounts": [A, {"api_key": "hunter2"}]}, "account number 2: name must be 1 to 64"),
        ({"accounts": [A, {"name": "a b", "api_key": "hunter2"}]}, "account a b: name must be 1 to 64"),
        ({"accounts": [{"name": "a", "access_key": "hunter2"}]}, "account a: api_key, or access_key and secret_key"),
        ({"accounts": [A, A]}, "account a: name must be used once"),
        ({"api_key": "hunter2", "accounts": [B | {"name": "default"}]}, "account default: name must be used once"),
        ({"accounts": [A | {"slots": "hunter2"}]}, "account a: slots must be a number from 1 to 1000, or"),
        ({"accounts": [A | {"slots": 0}]}, "account a: slots must be"),
        ({"accounts": [A | {"slots": True}]}, "account a: slots must be"),
        ({"accounts": [A | {"slots": {}}]}, "account a: slots must be"),
        ({"accounts": [A | {"slots": {"kling-v2": -1}}]}, "account a: slots must be"),
        ({"accounts": [A | {"weight": 0}]}, "account a: weight must be a number from 1 to 100"),
        ({"accounts": [A | {"draining": "yes"}]}, "account a: draining must be true or false"),
        ({"accounts": [A | {"api_key": ["hunter2"]}]}, "account a: api_key must be a string"),
    ],
)
def test_wrong_secret_names_account_and_field_and_no_value(secret, complaint):
    put_secret("kiln-provider", secret)
    secrets.forget()
    with pytest.raises(ConfigurationError) as refused:
        accounts.accounts()
    assert str(refused.value).startswith(f"secret kiln-provider: {complaint}")
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_new_account_is_noticed_within_half_a_minute(monkeypatch):
    assert len(accounts.accounts()) == 1
    put_secret("kiln-provider", {"accounts": [A, B]})
    assert len(accounts.accounts()) == 1
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + CACHE_SECONDS)
    assert len(accounts.accounts()) == 2
    assert CACHE_SECONDS <= 30


def test_fresh_accounts_are_read_at_once():
    assert len(accounts.accounts()) == 1
    put_secret("kiln-provider", {"accounts": [A, B]})
    assert len(accounts.accounts(fresh=True)) == 2


def test_provider_of_default_is_the_shared_one():
    assert provider_for("default") is shared_provider()


def test_each_account_has_one_provider_that_signs_with_its_keys():
    put_accounts(A, B)
    assert provider_for("a") is provider_for("a")
    assert provider_for("a") is not provider_for("b")
    assert provider_for("b")._signer.authorization() == "Bearer sk-b"
    assert provider_for("a")._signer.authorization() != "Bearer sk-b"


def test_account_added_since_the_last_read_has_a_provider():
    accounts.accounts()
    put_secret("kiln-provider", {"accounts": [A, B]})
    assert provider_for("b")._signer.authorization() == "Bearer sk-b"


def test_draining_account_has_a_provider():
    put_accounts(A, B | {"draining": True})
    assert provider_for("b")._signer.authorization() == "Bearer sk-b"


def test_unknown_account_is_an_account_error_that_names_it():
    with pytest.raises(ProviderError, match="has no account gone; ") as refused:
        provider_for("gone")
    assert refused.value.verdict is Verdict.ACCOUNT


def test_removed_account_has_no_provider():
    put_accounts(A, B)
    provider_for("b")
    put_accounts(A)
    with pytest.raises(ProviderError, match="has no account b; "):
        provider_for("b")


def test_keys_of_another_account_under_the_same_name_sign_at_once():
    put_accounts(A, B)
    signer = Signer(account="b")
    assert signer.authorization() == "Bearer sk-b"
    put_accounts(A, B | {"api_key": "sk-other"})
    assert signer.authorization() == "Bearer sk-other"


def test_webhook_secrets_of_every_account():
    put_accounts(A | {"webhook_secret": "whsec_a"}, B | {"webhook_secret": "whsec_b", "draining": True})
    assert webhook_secrets() == ["whsec_a", "whsec_b"]


def test_accounts_show_no_keys():
    put_accounts(A, B)
    shown = repr(accounts.accounts()) + repr(accounts.credentials.entries())
    assert not [key for key in ("ak-a", A["secret_key"], "sk-b") if key in shown]
    assert json.dumps([each.name for each in accounts.accounts()]) == '["a", "b"]'
