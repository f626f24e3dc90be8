"""The provider's error table, line by line: what each code means for a create and for a query."""

from __future__ import annotations

import pytest

from kiln.provider import ProviderError, Verdict
from kiln.provider.verdicts import verdict_of
from tests.support.provider import TABLE


@pytest.mark.parametrize(("http_status", "code", "create", "query"), TABLE, ids=[f"{c[0]}-{c[1]}" for c in TABLE])
def test_every_code_has_its_verdict(http_status, code, create, query):
    assert verdict_of(http_status, code, "words", creates=True) is create
    assert verdict_of(http_status, code, "words", creates=False) is query


@pytest.mark.parametrize("creates", [True, False])
@pytest.mark.parametrize(
    ("message", "verdict"),
    [
        ("External_task_id 7 already exists", Verdict.DUPLICATE),
        ("external_task_id already EXISTS", Verdict.DUPLICATE),
        ("Task not found by id/external id: 7", Verdict.MISSING),
        ("image ratio is invalid", Verdict.PERMANENT),
        ("", Verdict.PERMANENT),
    ],
)
def test_code_1201_has_its_verdict_by_its_message(message, verdict, creates):
    assert verdict_of(400, 1201, message, creates=creates) is verdict


def test_error_has_its_code_if_there_is_one():
    assert str(ProviderError(Verdict.WAIT, "full", 1303)) == "full (code 1303)"
    assert str(ProviderError(Verdict.RETRY, "no answer")) == "no answer"
