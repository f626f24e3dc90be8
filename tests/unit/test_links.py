"""Tokens are bound to their purpose, their subject and this installation's key."""

from __future__ import annotations

import re

import pytest

from kiln import links
from kiln.errors import ConfigurationError
from tests.support.account import forget, put_secret

pytestmark = pytest.mark.usefixtures("cloud")


def test_a_token_is_32_url_safe_characters_and_always_the_same():
    token = links._token("callback", "task-1")
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", token)
    assert links._token("callback", "task-1") == token
    assert links._is_token(token, "callback", "task-1")


def test_no_two_purposes_or_subjects_share_a_token():
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
def test_anything_else_is_not_the_token(presented):
    assert not links._is_token(presented, "callback", "task-1")


def test_another_key_makes_other_tokens():
    token = links._token("callback", "task-1")
    put_secret("kiln-signing", {"key": "another-signing-key-that-is-long-enough"})
    forget()
    assert not links._is_token(token, "callback", "task-1")


def test_a_short_key_is_refused():
    put_secret("kiln-signing", {"key": "short"})
    with pytest.raises(ConfigurationError, match="key is missing or wrong"):
        links._token("callback", "task-1")
