"""Secrets are parsed into models, kept for a while, and never told."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field

from kiln import secrets
from kiln.errors import ConfigurationError
from tests.support.account import put_secret

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
