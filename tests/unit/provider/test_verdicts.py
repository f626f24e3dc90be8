"""The provider's error table, line by line: what each code means for a create and for a query."""

from __future__ import annotations

import pytest

from kiln.provider import ProviderError, Verdict
from kiln.provider.verdicts import verdict_of

TABLE = [
    # HTTP, code, after a create, after a query
    (401, 1000, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (401, 1001, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (401, 1002, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (401, 1003, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (401, 1004, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (429, 1100, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (429, 1101, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (429, 1102, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (403, 1103, Verdict.PERMANENT, Verdict.PERMANENT),
    (400, 1200, Verdict.PERMANENT, Verdict.PERMANENT),
    (400, 1201, Verdict.PERMANENT, Verdict.PERMANENT),
    (404, 1202, Verdict.PERMANENT, Verdict.PERMANENT),
    (404, 1203, Verdict.PERMANENT, Verdict.MISSING),
    (400, 1300, Verdict.PERMANENT, Verdict.PERMANENT),
    (400, 1301, Verdict.PERMANENT, Verdict.PERMANENT),
    (429, 1302, Verdict.WAIT, Verdict.WAIT),
    (429, 1303, Verdict.WAIT, Verdict.WAIT),
    (429, 1304, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (500, 5000, Verdict.UNKNOWN, Verdict.RETRY),
    (503, 5001, Verdict.UNKNOWN, Verdict.RETRY),
    (504, 5002, Verdict.UNKNOWN, Verdict.RETRY),
    # Codes that nobody has written down: the HTTP status decides.
    (404, 9999, Verdict.PERMANENT, Verdict.MISSING),
    (429, 9999, Verdict.WAIT, Verdict.WAIT),
    (401, 9999, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (403, 9999, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (422, 9999, Verdict.PERMANENT, Verdict.PERMANENT),
    (500, 9999, Verdict.UNKNOWN, Verdict.RETRY),
    (302, 9999, Verdict.UNKNOWN, Verdict.RETRY),
    (200, 9999, Verdict.UNKNOWN, Verdict.RETRY),
]


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
