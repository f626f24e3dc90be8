"""``kiln callers``: Kiln reads the secret that the commands write."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from kiln.auth.callers import Callers
from kiln.contract.vocabulary import Priority
from kiln.errors import AuthenticationFailed
from kiln_cli.failures import NOT_REACHABLE, CommandFailed
from kiln_cli.operating import session
from kiln_cli.operating.callers_secret import CallersSecret
from kiln_cli.operating.installation import Installation
from kiln_cli.operating.secret_document import LARGEST_SECRET_BYTES
from tests.unit.client.operating.conftest import Run


def written(installation: Installation) -> Callers:
    """The secret as the functions read it."""
    client = installation.client("secretsmanager")
    answer = client.get_secret_value(SecretId=installation.output("CallersSecretArn"))
    return Callers.model_validate_json(answer["SecretString"])


def put(installation: Installation, document: object) -> None:
    installation.client("secretsmanager").put_secret_value(
        SecretId=installation.output("CallersSecretArn"),
        SecretString=document if isinstance(document, str) else json.dumps(document),
    )


def test_added_caller_is_accepted_with_its_limits(kiln: Run, installation: Installation) -> None:
    limits = ("--per-minute", "30", "--units-per-month", "4800")
    given = kiln("callers", "add", "shop", *limits, "--webhook-secret", "--json").json
    caller = written(installation).identify(f"Bearer {given['api_key']}")
    assert (caller.name, caller.tasks_per_minute, caller.secret_key) == ("shop", 30, given["secret_key"])
    assert caller.units_per_month == 4800
    assert kiln("callers", "list", "--json").json["callers"][0]["units_per_month"] == 4800
    assert caller.webhook_secret.startswith("whsec_")


def test_caller_of_low_priority_is_added(kiln: Run, installation: Installation) -> None:
    given = kiln("callers", "add", "batch", "--low", "--json").json
    assert written(installation).identify(f"Bearer {given['api_key']}").priority is Priority.LOW


def test_list_shows_no_secret_keys(kiln: Run) -> None:
    shown = kiln("callers", "add", "shop", "--webhook-secret")
    keys = [line.split()[1] for line in shown.out.splitlines()]
    assert "not shown again" in shown.err
    for listed in (kiln("callers", "list"), kiln("callers", "list", "--json")):
        assert keys[1] in listed.out  # The access key is no secret.
        assert not [key for key in keys[2:] if key in listed.out + listed.err]


def test_empty_list_is_an_empty_document(kiln: Run) -> None:
    assert kiln("callers", "list", "--json").json == {"callers": []}


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 129])
def test_malformed_name_is_refused(kiln: Run, installation: Installation, name: str) -> None:
    assert kiln("callers", "add", name).status == 2
    assert CallersSecret(installation).read() == []


def test_wrong_usage_is_said_before_the_stack_is_read(kiln: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise CommandFailed("no stack", NOT_REACHABLE)

    monkeypatch.setattr(session, "find_installation", away)
    for arguments in (("a b",), ("shop", "--callback-statuses", "done")):
        assert kiln("callers", "add", *arguments).status == 2
    assert kiln("task", "fail", "t1", "--reason", " ").status == 2


def test_second_caller_of_the_same_name_is_refused(kiln: Run) -> None:
    kiln("callers", "add", "shop")
    again = kiln("callers", "add", "shop")
    assert again.status == 1
    assert "rotate" in again.err


def test_old_and_new_keys_work_until_the_rotation_is_finished(kiln: Run, installation: Installation) -> None:
    old = kiln("callers", "add", "shop", "--per-minute", "30", "--webhook-secret", "--json").json
    new = kiln("callers", "rotate", "shop", "--json").json
    assert not set(old.values()) & {new["access_key"], new["secret_key"], new["api_key"]}
    for keys in (old, new):
        caller = written(installation).identify(f"Bearer {keys['api_key']}")
        assert (caller.name, caller.tasks_per_minute) == ("shop", 30)
        assert caller.webhook_secret == old["webhook_secret"]
    assert kiln("callers", "list", "--json").json["callers"][0]["is_rotating"] is True
    assert "--finish" in kiln("callers", "rotate", "shop").err
    assert kiln("callers", "rotate", "shop", "--finish").status == 0
    assert written(installation).identify(f"Bearer {new['api_key']}").name == "shop"
    with pytest.raises(AuthenticationFailed):
        written(installation).identify(f"Bearer {old['api_key']}")


def test_rotated_webhook_secret_is_in_both_entries(kiln: Run, installation: Installation) -> None:
    kiln("callers", "add", "shop", "--webhook-secret")
    new = kiln("callers", "rotate", "shop", "--webhook-secret", "--json").json
    assert {each.webhook_secret for each in written(installation).callers} == {new["webhook_secret"]}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("rotate", "shop", "--finish"), 1),
        (("rotate", "shop", "--finish", "--webhook-secret"), 2),
        (("rotate", "no"), 1),
    ],
)
def test_impossible_rotation_changes_nothing(
    kiln: Run, installation: Installation, arguments: tuple[str, ...], status: int
) -> None:
    kiln("callers", "add", "shop")
    before = written(installation)
    assert kiln("callers", *arguments).status == status
    assert written(installation) == before


def test_revoke_removes_only_that_caller(
    kiln: Run, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    kiln("callers", "add", "shop")
    kiln("callers", "add", "press")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    refused = kiln("callers", "revoke", "shop")
    assert refused.status == 2
    assert "--yes is required when there is no terminal to ask on" in refused.err
    assert "5 more minutes" in kiln("callers", "revoke", "shop", "--yes").out
    assert [each.name for each in written(installation).callers] == ["press"]


def test_unknown_fields_of_the_secret_are_kept(kiln: Run, installation: Installation) -> None:
    put(installation, {"note": "mine", "callers": [{"name": "press", "api_keys": ["k"], "cost_centre": 7}]})
    kiln("callers", "add", "shop")
    client = installation.client("secretsmanager")
    text = client.get_secret_value(SecretId=installation.output("CallersSecretArn"))["SecretString"]
    assert json.loads(text)["note"] == "mine"
    assert json.loads(text)["callers"][0]["cost_centre"] == 7


def test_too_large_secret_is_not_written(kiln: Run, installation: Installation) -> None:
    full = json.dumps({"callers": [{"name": "press", "api_keys": ["k" * (LARGEST_SECRET_BYTES - 60)]}]})
    put(installation, full)
    refused = kiln("callers", "add", "shop")
    assert refused.status == 1
    assert "65,536" in refused.err
    assert [each.name for each in written(installation).callers] == ["press"]


def test_secret_changed_elsewhere_is_not_overwritten(
    kiln: Run, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = installation.client("secretsmanager")
    read, times = client.get_secret_value, []

    def reading(**which: Any) -> Any:
        times.append(which)
        if len(times) == 2:
            put(installation, {"callers": [{"name": "press"}]})
        return read(**which)

    with monkeypatch.context() as patch:
        patch.setattr(client, "get_secret_value", reading)
        refused = kiln("callers", "add", "shop")
    assert "changed elsewhere" in refused.err
    assert [each.name for each in written(installation).callers] == ["press"]


@pytest.mark.parametrize("content", ["", "[]", '{"callers": 1}', '{"callers": [{}]}', '{"callers": ["x"]}'])
def test_unreadable_secret_is_refused(kiln: Run, installation: Installation, content: str) -> None:
    put(installation, content or " ")
    refused = kiln("callers", "list")
    assert refused.status == 1
    assert "by hand" in refused.err


def test_statuses_for_webhooks_are_in_the_entry(kiln: Run, installation: Installation) -> None:
    assert kiln("callers", "add", "shop", "--callback-statuses", "succeed, failed").status == 0
    assert written(installation).callers[0].callback_statuses == ["succeed", "failed"]
    assert kiln("callers", "list", "--json").json["callers"][0]["callback_statuses"] == ["succeed", "failed"]
    refused = kiln("callers", "add", "press", "--callback-statuses", "done")
    assert refused.status == 2
    assert "must be some of submitted,processing,succeed,failed, got done" in refused.err


def test_set_changes_what_is_named_and_leaves_the_rest(kiln: Run, installation: Installation) -> None:
    kiln("callers", "add", "shop", "--per-minute", "30", "--units-per-month", "4800", "--webhook-secret")
    before = written(installation).callers[0]
    shown = kiln("callers", "set", "shop", "--units-per-month", "9600", "--low", "--callback-statuses", "failed")
    assert "5 minutes" in shown.out
    after = written(installation).callers[0]
    assert (after.units_per_month, after.priority, after.callback_statuses) == (9600, Priority.LOW, ["failed"])
    changed = {"units_per_month", "priority", "callback_statuses"}
    assert after.model_dump(exclude=changed) == before.model_dump(exclude=changed)


def test_set_removes_limits(kiln: Run, installation: Installation) -> None:
    limits = ("--per-minute", "30", "--units-per-month", "4800", "--low", "--callback-statuses", "failed")
    kiln("callers", "add", "shop", *limits)
    defaults = ("--per-minute", "default", "--units-per-month", "none", "--normal", "--callback-statuses", "all")
    answer = kiln("callers", "set", "shop", *defaults, "--json").json
    assert (answer["units_per_month"], answer["priority"], answer["callback_statuses"]) == (0, "normal", [])
    caller = written(installation).callers[0]
    assert (caller.tasks_per_minute, caller.units_per_month, caller.callback_statuses) == (0, 0, [])
    assert caller.priority is Priority.NORMAL


def test_set_changes_old_and_new_keys_alike(kiln: Run, installation: Installation) -> None:
    kiln("callers", "add", "shop")
    kiln("callers", "rotate", "shop")
    assert kiln("callers", "set", "shop", "--units-per-month", "10").status == 0
    assert [each.units_per_month for each in written(installation).callers] == [10, 10]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("shop",), 2, "expected a change, got none"),
        (("shop", "--units-per-month", "0"), 2, "--units-per-month: must be a number from 1, or none, got 0"),
        (("shop", "--per-minute", "many"), 2, "--per-minute: must be a number from 1, or default, got many"),
        (("shop", "--callback-statuses", "done"), 2, "must be some of"),
        (("no", "--low"), 1, "no caller no; the callers are: shop"),
    ],
)
def test_impossible_change_is_refused(
    kiln: Run, installation: Installation, arguments: tuple[str, ...], status: int, message: str
) -> None:
    kiln("callers", "add", "shop")
    before = written(installation)
    refused = kiln("callers", "set", *arguments)
    assert (refused.status, message in refused.err) == (status, True), refused.err
    assert written(installation) == before
