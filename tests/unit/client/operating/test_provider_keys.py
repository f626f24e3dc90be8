"""``kiln provider-keys``: Kiln reads the secret that the commands write."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from kiln.provider.credentials import CACHE_SECONDS, AccountEntry, parsed
from kiln_cli.operating import accounts_secret, provider_keys, slot_counts
from kiln_cli.operating.installation import Installation
from tests.support.operating import STATUS
from tests.unit.client.operating.conftest import Operate, Run

URL = "https://provider.test"
PAIR = {"access_key": "ak", "secret_key": "secret-of-default"}
A = {"name": "a", "api_key": "sk-a", "slots": 5}
B = {"name": "b", "api_key": "sk-b", "slots": 9, "draining": True}
C = {"name": "c", "api_key": "sk-c", "slots": 9}


def stored(installation: Installation) -> Any:
    """The secret's document."""
    client = installation.client("secretsmanager")
    return json.loads(client.get_secret_value(SecretId=installation.output("ProviderSecretArn"))["SecretString"])


def read_by_kiln(installation: Installation) -> dict[str, AccountEntry]:
    """The accounts as the functions read them."""
    return {each.name: each for each in parsed(stored(installation))}


def put(installation: Installation, document: object) -> None:
    installation.client("secretsmanager").put_secret_value(
        SecretId=installation.output("ProviderSecretArn"),
        SecretString=document if isinstance(document, str) else json.dumps(document),
    )


def will_check(operate: Operate, **refusals: str) -> None:
    """The provider's answer to each account; an empty reason is acceptance."""
    accounts = [
        {"name": name, "accepted": not reason, "is_draining": False, "reason": reason}
        for name, reason in refusals.items()
    ]
    refused = [f"{name}: {reason}" for name, reason in refusals.items() if reason]
    answer = {"accepted": not refused, "provider_url": URL, "reason": "; ".join(refused), "accounts": accounts}
    operate.will("check-provider", answer)


def will_hold(operate: Operate, *held: dict[str, int]) -> None:
    """Slots held by account, at each call."""
    answers = [
        {**STATUS, "accounts": [{"name": name, "slots": 9, "held": count} for name, count in each.items()]}
        for each in held
    ]
    operate.will("status", *answers)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_keys, "COPY_SECONDS", 0.02)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Pipes lines into the next command."""

    def pipe(*lines: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return pipe


def test_cached_copy_is_as_old_as_the_functions_let_it_get() -> None:
    assert accounts_secret.COPY_SECONDS == CACHE_SECONDS


def test_set_stores_a_pair_and_checks_it(
    kiln: Run, installation: Installation, operate: Operate, monkeypatch: pytest.MonkeyPatch
) -> None:
    operate.will("check-provider", {"accepted": True, "provider_url": "https://provider.test", "reason": ""})
    monkeypatch.setattr("sys.stdin", io.StringIO("the-access-key\nthe-secret-key\n"))
    assert kiln("provider-keys", "set").out == "https://provider.test accepts the keys.\n"
    client = installation.client("secretsmanager")
    kept = json.loads(client.get_secret_value(SecretId=installation.output("ProviderSecretArn"))["SecretString"])
    assert kept == {
        "access_key": "the-access-key",
        "secret_key": "the-secret-key",
        "api_key": "",
        "webhook_secret": "w",
    }


def test_refused_keys_exit_1(kiln: Run, operate: Operate, monkeypatch: pytest.MonkeyPatch) -> None:
    operate.will("check-provider", {"accepted": False, "provider_url": "https://provider.test", "reason": "wrong"})
    monkeypatch.setattr("sys.stdin", io.StringIO("the-key\n"))
    refused = kiln("provider-keys", "set", "--api-key")
    assert refused.status == 1
    assert "AWSPREVIOUS" in refused.err
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    refused = kiln("provider-keys", "set", "--api-key")
    assert (refused.status, "no API key entered; there is no terminal to ask on" in refused.err) == (2, True)


def test_set_replaces_the_keys_of_one_account(
    kiln: Run, installation: Installation, operate: Operate, typed: Any
) -> None:
    put(installation, {"accounts": [A, B]})
    will_check(operate, a="wrong", b="")
    typed("ak-b", "secret-of-b")
    assert kiln("provider-keys", "set", "b").out == f"{URL} accepts the keys of b.\n"
    entry = read_by_kiln(installation)["b"]
    assert (entry.access_key, entry.secret_key, entry.api_key, entry.draining) == ("ak-b", "secret-of-b", "", True)
    assert stored(installation)["accounts"][0] == A


def test_set_of_an_unknown_account_lists_the_accounts(kiln: Run, installation: Installation, typed: Any) -> None:
    put(installation, {"accounts": [A, B]})
    typed("x", "y")
    refused = kiln("provider-keys", "set")
    assert (refused.status, refused.err) == (1, "kiln: no account default; the accounts are: a, b\n")


def test_check_names_every_account(kiln: Run, operate: Operate) -> None:
    will_check(operate, a="", b="Auth failed (code 1000)")
    checked = kiln("provider-keys", "check")
    assert checked.out == f"{URL} accepts the keys of a.\n"
    assert (checked.status, checked.err) == (1, f"kiln: {URL} refuses the keys of b: Auth failed (code 1000)\n")


def test_add_moves_the_pair_into_the_list(kiln: Run, installation: Installation, operate: Operate, typed: Any) -> None:
    put(installation, {**PAIR, "api_key": "", "webhook_secret": "whsec_d", "note": "mine"})
    will_check(operate, default="", second="")
    typed("ak-2", "secret-of-2", "whsec_2")
    added = kiln("provider-keys", "add", "second", "--slots", "9", "--weight", "3", "--webhook-secret")
    assert added.out == "second is added with 9 slots. It gets tasks within a minute.\n"
    assert list(read_by_kiln(installation)) == ["default", "second"]
    assert stored(installation) == {
        "note": "mine",
        "accounts": [
            {"name": "default", **PAIR, "webhook_secret": "whsec_d"},
            {
                "name": "second",
                "slots": 9,
                "weight": 3,
                "draining": False,
                "access_key": "ak-2",
                "secret_key": "secret-of-2",
                "webhook_secret": "whsec_2",
            },
        ],
    }


def test_first_account_of_a_new_installation_is_alone(
    kiln: Run, installation: Installation, operate: Operate, typed: Any
) -> None:
    put(installation, {"access_key": "", "secret_key": "", "api_key": "", "webhook_secret": ""})
    will_check(operate, a="")
    typed("sk-a")
    assert kiln("provider-keys", "add", "a", "--slots", "1", "--api-key").status == 0
    assert list(read_by_kiln(installation)) == ["a"]


def test_account_with_refused_keys_stays_draining(
    kiln: Run, installation: Installation, operate: Operate, typed: Any
) -> None:
    put(installation, {"accounts": [A]})
    will_check(operate, a="", b="Auth failed")
    typed("sk-b")
    refused = kiln("provider-keys", "add", "b", "--slots", "9", "--api-key")
    assert refused.status == 1
    assert "refuses the keys of b: Auth failed; b is stored as draining" in refused.err
    assert read_by_kiln(installation)["b"].draining


@pytest.mark.parametrize(
    ("options", "slots"),
    [
        (("--model-slots", "kling-v2=9", "--model-slots", "kling-v2-1=3"), {"kling-v2": 9, "kling-v2-1": 3}),
        (("--slots", "9", "--model-slots", "kling-v2-1=0"), {"kling-v2": 9, "kling-v2-1": 0}),
    ],
)
def test_slots_are_by_model_if_asked(
    kiln: Run, installation: Installation, operate: Operate, typed: Any, options: tuple[str, ...], slots: dict[str, int]
) -> None:
    will_check(operate, a="")
    typed("sk-a")
    assert kiln("provider-keys", "add", "a", "--api-key", *options).status == 0
    assert read_by_kiln(installation)["a"].slots == slots


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (("b",), 2, "--slots or --model-slots is required"),
        (("b", "--slots", "0"), 2, "--slots"),
        (("b", "--slots", "9", "--weight", "0"), 2, "--weight"),
        (("b", "--model-slots", "kling-v2"), 2, "must be MODEL=NUMBER with a number from 0 to 1000, got kling-v2"),
        (("b", "--model-slots", "kling-v2=1001"), 2, "got kling-v2=1001"),
        (("b c", "--slots", "9"), 2, "NAME: must be 1 to 64"),
        (("a", "--slots", "9"), 1, "account a exists already; for new keys run kiln provider-keys set a"),
    ],
)
def test_impossible_account_is_refused_and_changes_nothing(
    kiln: Run, installation: Installation, typed: Any, arguments: tuple[str, ...], status: int, complaint: str
) -> None:
    put(installation, {"accounts": [A]})
    typed("x", "y")
    refused = kiln("provider-keys", "add", *arguments)
    assert (refused.status, complaint in refused.err) == (status, True)
    assert stored(installation) == {"accounts": [A]}


def test_update_changes_slots_and_weight(kiln: Run, installation: Installation) -> None:
    put(installation, {"accounts": [A, B]})
    assert kiln("provider-keys", "update", "a").status == 2
    assert "a has 12 slots and weight 2" in kiln("provider-keys", "update", "a", "--slots", "12", "--weight", "2").out
    entries = read_by_kiln(installation)
    assert (entries["a"].slots, entries["a"].weight, entries["b"].slots) == (12, 2, 9)


def test_list_shows_no_keys(kiln: Run, installation: Installation) -> None:
    installation.parameters["ProviderSlots"] = "7"
    put(installation, {**PAIR, "accounts": [A, B | {"slots": {"kling-v2": 4}, "webhook_secret": "whsec_b"}]})
    listed = kiln("provider-keys", "list")
    assert listed.out.splitlines() == [
        "default\t7 slots\t1\taccess key\tunsigned\topen",
        "a\t5 slots\t1\tAPI key\tunsigned\topen",
        "b\tslots: 4 for kling-v2\t1\tAPI key\tsigned\tdraining",
    ]
    document = kiln("provider-keys", "list", "--json")
    assert document.json["accounts"][2] == {
        "name": "b",
        "slots": {"kling-v2": 4},
        "weight": 1,
        "draining": True,
        "keys": "API key",
        "has_webhook_secret": True,
    }
    assert not [key for key in ("ak", "secret-of-default", "sk-a", "whsec_b") if f'"{key}' in document.out]


def test_list_of_a_new_installation_is_empty(kiln: Run) -> None:
    assert kiln("provider-keys", "list", "--json").json == {"accounts": []}


def test_check_of_one_account_leaves_out_the_others(kiln: Run, operate: Operate) -> None:
    will_check(operate, a="", b="Auth failed")
    assert kiln("provider-keys", "check", "a").status == 0
    refused = kiln("provider-keys", "check", "b", "--json")
    assert (refused.status, [each["name"] for each in refused.json["accounts"]]) == (1, ["b"])
    assert kiln("provider-keys", "check", "c").err == "kiln: no account c; the accounts are: a, b\n"


def test_account_with_refused_keys_is_opened_only_by_force(
    kiln: Run, installation: Installation, operate: Operate
) -> None:
    put(installation, {"accounts": [A, B]})
    will_check(operate, a="", b="Auth failed")
    refused = kiln("provider-keys", "undrain", "b")
    assert refused.status == 1
    assert refused.err == (
        f"kiln: {URL} refuses the keys of b: Auth failed; b gets no tasks: "
        "store other keys with kiln provider-keys set b, or pass --force\n"
    )
    assert read_by_kiln(installation)["b"].draining
    assert kiln("provider-keys", "undrain", "b", "--force").status == 0
    assert not read_by_kiln(installation)["b"].draining


def test_drain_and_undrain_change_one_account(kiln: Run, installation: Installation, operate: Operate) -> None:
    put(installation, PAIR)
    will_check(operate, default="")
    drained = kiln("provider-keys", "drain", "default")
    assert "default gets no new tasks after" in drained.out
    assert "No account gets tasks now" in drained.out
    assert read_by_kiln(installation)["default"].draining
    assert kiln("provider-keys", "undrain", "default", "--json").json["draining"] is False
    assert not read_by_kiln(installation)["default"].draining
    assert kiln("provider-keys", "drain", "gone").err == "kiln: no account gone; the accounts are: default\n"


def test_drained_idle_account_is_removed(kiln: Run, installation: Installation, operate: Operate) -> None:
    put(installation, {"accounts": [A, B]})
    will_hold(operate, {"a": 5, "b": 0})
    assert kiln("provider-keys", "remove", "b").out == "b is removed.\n"
    assert stored(installation) == {"accounts": [A]}
    assert len(operate.events) == 1


def test_open_account_is_drained_before_it_is_removed(kiln: Run, installation: Installation, operate: Operate) -> None:
    put(installation, {"accounts": [A, C]})
    will_hold(operate, {"a": 0})
    assert kiln("provider-keys", "remove", "a").status == 0
    assert list(read_by_kiln(installation)) == ["c"]
    assert len(operate.events) > 1


def test_account_that_gets_a_task_while_it_is_drained_stays(
    kiln: Run, installation: Installation, operate: Operate
) -> None:
    put(installation, {"accounts": [A, C]})
    will_hold(operate, {"a": 0}, {"a": 1})
    refused = kiln("provider-keys", "remove", "a")
    assert (refused.status, "a holds 1 slot: " in refused.err) == (1, True)
    assert read_by_kiln(installation)["a"].draining


@pytest.mark.parametrize("answers_by_account", [True, False])
def test_account_with_slots_is_removed_only_by_force(
    kiln: Run, installation: Installation, operate: Operate, answers_by_account: bool
) -> None:
    put(installation, {"accounts": [A, B]})
    if answers_by_account:
        will_hold(operate, {"a": 0, "b": 2})
    else:
        operate.will("status", {**STATUS, "held": 2})
    refused = kiln("provider-keys", "remove", "b")
    assert (refused.status, "b holds 2 slots: " in refused.err) == (1, True)
    assert len(read_by_kiln(installation)) == 2
    assert kiln("provider-keys", "remove", "b", "--force").status == 0
    assert list(read_by_kiln(installation)) == ["a"]


@pytest.mark.parametrize("accounts", [[A], [A, B]])
def test_last_account_that_gets_tasks_is_not_removed(
    kiln: Run, installation: Installation, accounts: list[dict[str, Any]]
) -> None:
    put(installation, {"accounts": accounts})
    refused = kiln("provider-keys", "remove", "a", "--force")
    assert (refused.status, "a: no other account gets tasks" in refused.err) == (1, True)
    assert stored(installation) == {"accounts": accounts}


@pytest.mark.parametrize("content", ["[]", '{"accounts": 1}', '{"accounts": [{}]}', '{"accounts": ["x"]}'])
def test_unreadable_secret_is_refused(kiln: Run, installation: Installation, content: str) -> None:
    put(installation, content)
    refused = kiln("provider-keys", "list")
    assert (refused.status, "edit it by hand" in refused.err) == (1, True)


def test_secret_that_changes_meanwhile_is_not_overwritten(
    kiln: Run, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(installation, {"accounts": [A, B]})
    client = installation.client("secretsmanager")
    read, times = client.get_secret_value, []

    def reading(**which: Any) -> Any:
        times.append(which)
        if len(times) == 2:
            put(installation, {"accounts": [A]})
        return read(**which)

    with monkeypatch.context() as patch:
        patch.setattr(client, "get_secret_value", reading)
        refused = kiln("provider-keys", "drain", "a")
    assert "the provider's secret has just been changed elsewhere" in refused.err
    assert stored(installation) == {"accounts": [A]}


def test_slots_in_words() -> None:
    assert slot_counts.described(1) == "1 slot"


def test_keys_of_a_new_stack_are_stored(kiln: Run, installation: Installation, operate: Operate, typed: Any) -> None:
    installation.outputs["ProviderSecretArn"] = installation.client("secretsmanager").create_secret(Name="new")["ARN"]
    typed("sk-new")
    will_check(operate, default="")
    assert kiln("provider-keys", "set", "--api-key").status == 0
    assert stored(installation)["api_key"] == "sk-new"
