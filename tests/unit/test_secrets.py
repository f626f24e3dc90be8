"""Secrets are parsed into models and cached for a while; no message has their content."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import BaseModel, Field

from kiln import aws, secrets
from kiln.errors import ConfigurationError
from tests.support.account import put_secret
from tests.support.fakes import client_error

pytestmark = pytest.mark.usefixtures("cloud")


class Keys(BaseModel):
    first: str = Field(min_length=3)
    second: int = 0


def test_a_secret_is_kept_in_the_process_until_a_fresh_one_is_asked_for():
    put_secret("kiln-keys", {"first": "one"})
    assert secrets.read("kiln-keys", Keys).first == "one"
    put_secret("kiln-keys", {"first": "two"})
    assert secrets.read("kiln-keys", Keys).first == "one"
    assert secrets.read("kiln-keys", Keys, fresh=True).first == "two"
    assert secrets.read("kiln-keys", Keys).first == "two"


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"first": "hunter2", "second": "hunter2"}, "second"),
        ({}, "first"),
        ({"first": "", "second": []}, "first, second"),
        ("hunter2", "body"),
        ("[]", "body"),
    ],
)
def test_a_wrong_secret_names_its_fields_and_never_its_content(content, wrong):
    put_secret("kiln-keys", content)
    with pytest.raises(ConfigurationError) as refused:
        secrets.read("kiln-keys", Keys)
    assert str(refused.value) == f"secret kiln-keys: {wrong} is missing or wrong"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_copy_is_read_again_when_it_is_older_than_the_reader_allows(monkeypatch):
    put_secret("kiln-keys", {"first": "one"})
    secrets.read_string("kiln-keys", cache_seconds=30)
    put_secret("kiln-keys", {"first": "two"})
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 31)
    assert secrets.read("kiln-keys", Keys).first == "one"
    assert "two" in secrets.read_string("kiln-keys", cache_seconds=30)


@pytest.mark.parametrize(("age", "is_fresh", "is_used"), [(100, False, True), (301, False, False), (0, True, False)])
def test_copy_of_up_to_five_minutes_is_used_while_secrets_manager_fails(monkeypatch, age, is_fresh, is_used):
    put_secret("kiln-keys", {"first": "one"})
    before = secrets.read_string("kiln-keys")

    def failing(**_: Any) -> None:
        raise client_error("InternalServiceError")

    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + age)
    monkeypatch.setattr(aws, "secrets_manager", lambda: SimpleNamespace(get_secret_value=failing))
    if is_used:
        assert secrets.read_string("kiln-keys", fresh=is_fresh, cache_seconds=30) == before
    else:
        with pytest.raises(ClientError):
            secrets.read_string("kiln-keys", fresh=is_fresh, cache_seconds=30)
