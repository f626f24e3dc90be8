"""Tokens are bound to their purpose, their subject and this installation's key."""

from __future__ import annotations

import re

import pytest

from kiln import links
from kiln.errors import ConfigurationError
from tests.support.account import forget, put_secret

pytestmark = pytest.mark.usefixtures("cloud")


def test_token_is_32_url_safe_characters_and_constant():
    token = links._token("callback", "task-1")
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", token)
    assert links._token("callback", "task-1") == token
    assert links._is_token(token, "callback", "task-1")


def test_tokens_differ_by_purpose_and_subject():
    made = [
        links._token("callback", "a"),
        links._token("result", "a"),
        links._token("callback", "b"),
        links._token("result", "a", "1"),
        links._token("result", "a1"),
        links._token("resulta", "1"),
    ]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("presented", ["", "x", "猫", "A" * 32, "A" * 10_000])
def test_any_other_string_does_not_verify(presented):
    assert not links._is_token(presented, "callback", "task-1")


def test_another_key_makes_another_token():
    token = links._token("callback", "task-1")
    put_secret("kiln-signing", {"key": "another-signing-key-that-is-long-enough"})
    forget()
    assert not links._is_token(token, "callback", "task-1")


def test_short_key_is_refused():
    put_secret("kiln-signing", {"key": "short"})
    with pytest.raises(ConfigurationError, match="key is missing or wrong"):
        links._token("callback", "task-1")
