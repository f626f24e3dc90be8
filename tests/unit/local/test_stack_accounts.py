"""The provider accounts of a stack: the simulated provider accepts the keys that Kiln's secret lists."""

from __future__ import annotations

import sys

import pytest

from kiln.provider.credentials import AccountEntry, parsed
from local import __main__ as command
from local.provider.__main__ import _arguments
from local.provider.api.authorization import check_authorization
from local.provider.settings import AccountKeys
from local.provider_accounts import ProviderAccounts


def read_by_kiln(accounts: ProviderAccounts) -> list[AccountEntry]:
    return parsed(accounts.secret())


def test_one_account_is_a_pair_of_keys() -> None:
    accounts = ProviderAccounts(1)
    assert accounts.names == ["default"]
    assert set(accounts.secret()) == {"access_key", "secret_key"}
    assert [each.name for each in read_by_kiln(accounts)] == ["default"]


def test_several_accounts_are_a_list_with_different_keys() -> None:
    accounts = ProviderAccounts(3)
    assert accounts.names == ["default", "account-2", "account-3"]
    entries = read_by_kiln(accounts)
    assert [each.name for each in entries] == accounts.names
    assert len({each.access_key for each in entries} | {each.secret_key for each in entries}) == 6
    assert [each.slots for each in entries] == [None, None, None]


def test_simulated_provider_accepts_the_token_of_each_account(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = ProviderAccounts(3)
    monkeypatch.setattr(sys, "argv", ["local.provider", "--port", "0", *accounts.arguments()])
    given = _arguments()
    keys = [AccountKeys("default", given.access_key, given.secret_key), *(AccountKeys(*each) for each in given.account)]
    assert [each.name for each in keys] == accounts.names
    for each in keys:
        check_authorization(f"Bearer {accounts.token(each.name)}", each)


@pytest.mark.parametrize(("options", "count"), [([], 1), (["--provider-accounts", "3"], 3)])
def test_command_line_says_how_many(monkeypatch: pytest.MonkeyPatch, options: list[str], count: int) -> None:
    monkeypatch.setattr(sys, "argv", ["local", "up", *options])
    assert command._parse().provider_accounts == count


@pytest.mark.parametrize("count", ["0", "101", "many"])
def test_impossible_number_of_accounts_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["local", "up", "--provider-accounts", count])
    with pytest.raises(SystemExit):
        command._parse()
    assert "--provider-accounts" in capsys.readouterr().err
