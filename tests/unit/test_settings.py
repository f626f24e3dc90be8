"""The environment as models: what is required, the defaults, the limits, and errors that name the variable."""

from __future__ import annotations

import pytest

from kiln.errors import ConfigurationError
from kiln.settings import (
    AddressSettings,
    BucketSettings,
    BusSettings,
    CallerSettings,
    DeadlineSettings,
    InboxSettings,
    InputSettings,
    ProviderSecretSettings,
    ProviderSettings,
    ResultSettings,
    SlotSettings,
    TableSettings,
    WebhookSettings,
    WorkflowSettings,
    load,
)
from tests.support.account import template


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        (TableSettings, "TABLE_NAME"),
        (BucketSettings, "OUTBOX_BUCKET"),
        (InputSettings, "INPUTS_BUCKET"),
        (InboxSettings, "INBOX_QUEUE_URL"),
        (WorkflowSettings, "STATE_MACHINE_ARN"),
        (SlotSettings, "PROVIDER_SLOTS"),
        (ProviderSettings, "PROVIDER_URL"),
        (ProviderSettings, "PROVIDER_SECRET_ARN"),
        (AddressSettings, "SIGNING_SECRET_ARN"),
        (CallerSettings, "CALLERS_SECRET_ARN"),
        (BusSettings, "EVENT_BUS"),
        (ProviderSecretSettings, "PROVIDER_SECRET_ARN"),
    ],
)
def test_missing_or_empty_variable_is_named(model, variable, monkeypatch):
    monkeypatch.setenv(variable, "")
    with pytest.raises(ConfigurationError, match=variable):
        load(model)
    monkeypatch.delenv(variable)
    with pytest.raises(ConfigurationError, match=f"environment: {variable} "):
        load(model)


@pytest.mark.parametrize(
    ("model", "variable", "value"),
    [
        (TableSettings, "TASK_RETENTION_DAYS", "29"),
        (InboxSettings, "DROP_WAIT_SECONDS", "901"),
        (InboxSettings, "DROP_WAIT_SECONDS", "-1"),
        (InboxSettings, "DROP_PROMPT", "p" * 2_501),
        (SlotSettings, "PROVIDER_SLOTS", "0"),
        (SlotSettings, "PROVIDER_SLOTS", "nine"),
        (ProviderSettings, "PROVIDER_URL", "provider.test"),
        (ProviderSettings, "PROVIDER_TOTAL_SECONDS", "0"),
        (DeadlineSettings, "DISPATCH_DEADLINE_SECONDS", "0"),
        (DeadlineSettings, "GENERATION_DEADLINE_SECONDS", "1.5"),
        (DeadlineSettings, "COLLECT_DEADLINE_SECONDS", ""),
        (AddressSettings, "PUBLIC_URL", "https://kiln.test/"),
        (AddressSettings, "PUBLIC_URL", "kiln.test"),
        (WebhookSettings, "ALLOW_HTTP_CALLBACKS", "perhaps"),
        (ResultSettings, "ALLOW_PRIVATE_RESULTS", "perhaps"),
    ],
)
def test_value_out_of_its_limits_is_named(model, variable, value, monkeypatch):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"environment: {variable} "):
        load(model)


def test_defaults_are_those_of_the_template(monkeypatch):
    monkeypatch.delenv("PROVIDER_SLOTS")
    parameters = {name: each["Default"] for name, each in template()["Parameters"].items()}
    assert load(DeadlineSettings).dispatch_seconds == parameters["DispatchDeadlineSeconds"]
    assert load(DeadlineSettings).generation_seconds == parameters["GenerationDeadlineSeconds"]
    assert load(DeadlineSettings).collect_seconds == parameters["CollectDeadlineSeconds"]
    assert load(TableSettings).task_retention_days == parameters["TaskRetentionDays"]
    assert load(InboxSettings).wait_seconds == parameters["DropWaitSeconds"]
    assert load(InboxSettings).caller == parameters["InboxCaller"]
    assert load(WebhookSettings).allow_http is (parameters["AllowHttpCallbacks"] == "true")
    assert load(WebhookSettings).allow_private is (parameters["AllowPrivateCallbacks"] == "true")
    assert load(ResultSettings).allow_http is (parameters["AllowHttpResults"] == "true")
    assert load(ResultSettings).allow_private is (parameters["AllowPrivateResults"] == "true")


def test_settings_are_read_once(monkeypatch):
    first = load(TableSettings)
    monkeypatch.setenv("TABLE_NAME", "another")
    assert load(TableSettings) is first
    assert first.table_name == "kiln-table"


def test_public_url_is_optional(monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "")
    assert load(AddressSettings).public_url == ""
