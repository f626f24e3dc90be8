"""Every error has a code and an HTTP status that belong together in the contract's table."""

from __future__ import annotations

import pytest

from kiln import errors

TABLE = {
    401: {1000, 1001, 1002, 1003, 1004},
    400: {1200, 1201},
    409: {1201},
    413: {1201},
    422: {1201},
    404: {1202, 1203},
    429: {1102, 1302},
    500: {5000},
}


def everything(root: type[errors.KilnError]) -> list[type[errors.KilnError]]:
    return [root, *(each for child in root.__subclasses__() for each in everything(child))]


@pytest.mark.parametrize("error", everything(errors.KilnError), ids=lambda error: error.__name__)
def test_every_code_has_its_http_status(error):
    assert error.code in TABLE[error.http_status]
    assert error.__doc__


def test_message_with_a_long_id_is_shortened():
    assert len(errors.TaskNotFound("x" * 10_000).message) < 250
