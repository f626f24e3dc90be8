"""Who may call: what the command writes is what Kiln reads; keys are shown once; nothing is lost by two at a time."""

from __future__ import annotations

import io
import json

import pytest

from kiln.auth.callers import Callers
from kiln.errors import AuthenticationFailed
from kiln_cli.operating.callers_secret import LARGEST_SECRET_BYTES


def written(installation) -> Callers:
    """The secret, as the functions read it."""
    client = installation.client("secretsmanager")
    answer = client.get_secret_value(SecretId=installation.output("CallersSecretArn"))
    return Callers.model_validate_json(answer["SecretString"])


def put(installation, document) -> None:
    installation.client("secretsmanager").put_secret_value(
        SecretId=installation.output("CallersSecretArn"),
        SecretString=document if isinstance(document, str) else json.dumps(document),
    )


def test_who_is_added_is_let_in(kiln, installation):
    given = kiln("callers", "add", "shop", "--per-minute", "30", "--webhook-secret", "--json").json
    caller = written(installation).identify(f"Bearer {given['api_key']}")
    assert (caller.name, caller.tasks_per_minute, caller.secret_key) == ("shop", 30, given["secret_key"])
    assert caller.webhook_secret.startswith("whsec_")


def test_keys_are_shown_once_and_no_list_has_them(kiln):
    shown = kiln("callers", "add", "shop", "--webhook-secret")
    keys = [line.split()[1] for line in shown.out.splitlines()]
    assert "not shown again" in shown.err
    for listed in (kiln("callers", "list"), kiln("callers", "list", "--json")):
        assert keys[1] in listed.out  # The access key is no secret.
        assert not [key for key in keys[2:] if key in listed.out + listed.err]


def test_an_empty_list_says_so_in_json(kiln):
    assert kiln("callers", "list", "--json").json == {"callers": []}


@pytest.mark.parametrize("name", ["", "a b", "a/b", "x" * 129])
def test_a_name_that_cannot_be_one_is_refused(kiln, installation, name):
    assert kiln("callers", "add", name).status == 2
    assert written(installation).callers == []


def test_nobody_is_added_twice(kiln):
    kiln("callers", "add", "shop")
    again = kiln("callers", "add", "shop")
    assert again.status == 1
    assert "rotate" in again.err


def test_while_keys_are_rotated_the_old_and_the_new_ones_work(kiln, installation):
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


def test_a_new_webhook_secret_is_the_same_in_both_entries(kiln, installation):
    kiln("callers", "add", "shop", "--webhook-secret")
    new = kiln("callers", "rotate", "shop", "--webhook-secret", "--json").json
    assert {each.webhook_secret for each in written(installation).callers} == {new["webhook_secret"]}


@pytest.mark.parametrize(
    "arguments", [("rotate", "shop", "--finish"), ("rotate", "shop", "--finish", "--webhook-secret"), ("rotate", "no")]
)
def test_a_rotation_that_cannot_be_is_refused(kiln, installation, arguments):
    kiln("callers", "add", "shop")
    before = written(installation)
    assert kiln("callers", *arguments).status == 1
    assert written(installation) == before


def test_who_is_revoked_is_out_and_the_others_are_not(kiln, installation):
    kiln("callers", "add", "shop")
    kiln("callers", "add", "press")
    asked = kiln("callers", "revoke", "shop")
    assert asked.status == 1
    assert "--yes" in asked.err
    assert "5 minutes" in kiln("callers", "revoke", "shop", "--yes").out
    assert [each.name for each in written(installation).callers] == ["press"]


def test_what_is_not_known_here_is_kept(kiln, installation):
    put(installation, {"note": "mine", "callers": [{"name": "press", "api_keys": ["k"], "cost_centre": 7}]})
    kiln("callers", "add", "shop")
    client = installation.client("secretsmanager")
    text = client.get_secret_value(SecretId=installation.output("CallersSecretArn"))["SecretString"]
    assert json.loads(text)["note"] == "mine"
    assert json.loads(text)["callers"][0]["cost_centre"] == 7


def test_a_secret_that_would_be_too_large_is_not_written(kiln, installation):
    full = json.dumps({"callers": [{"name": "press", "api_keys": ["k" * (LARGEST_SECRET_BYTES - 60)]}]})
    put(installation, full)
    refused = kiln("callers", "add", "shop")
    assert refused.status == 1
    assert "65,536" in refused.err
    assert [each.name for each in written(installation).callers] == ["press"]


def test_what_somebody_else_wrote_meanwhile_is_not_lost(kiln, installation, monkeypatch):
    client = installation.client("secretsmanager")
    read, times = client.get_secret_value, []

    def reading(**which):
        times.append(which)
        if len(times) == 2:
            put(installation, {"callers": [{"name": "press"}]})
        return read(**which)

    with monkeypatch.context() as patch:
        patch.setattr(client, "get_secret_value", reading)
        refused = kiln("callers", "add", "shop")
    assert "somebody else" in refused.err
    assert [each.name for each in written(installation).callers] == ["press"]


@pytest.mark.parametrize("content", ["", "[]", '{"callers": 1}', '{"callers": [{}]}', '{"callers": ["x"]}'])
def test_a_secret_that_nobody_can_read_is_left_alone(kiln, installation, content):
    put(installation, content or " ")
    refused = kiln("callers", "list")
    assert refused.status == 1
    assert "by hand" in refused.err


def test_the_providers_keys_are_stored_and_tried(kiln, installation, operate, monkeypatch):
    operate.will("check-provider", {"accepted": True, "provider_url": "https://provider.test", "reason": ""})
    monkeypatch.setattr("sys.stdin", io.StringIO("the-access-key\nthe-secret-key\n"))
    assert kiln("provider-keys", "set").out == "https://provider.test takes the keys.\n"
    client = installation.client("secretsmanager")
    kept = json.loads(client.get_secret_value(SecretId=installation.output("ProviderSecretArn"))["SecretString"])
    assert kept == {
        "access_key": "the-access-key",
        "secret_key": "the-secret-key",
        "api_key": "",
        "webhook_secret": "w",
    }


def test_keys_that_the_provider_refuses_are_told(kiln, operate, monkeypatch):
    operate.will("check-provider", {"accepted": False, "provider_url": "https://provider.test", "reason": "wrong"})
    monkeypatch.setattr("sys.stdin", io.StringIO("the-key\n"))
    refused = kiln("provider-keys", "set", "--api-key")
    assert refused.status == 1
    assert "AWSPREVIOUS" in refused.err
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert kiln("provider-keys", "set", "--api-key").status == 2
