"""A pytest plugin that runs the unit tests' DynamoDB calls against dynalite, another implementation of DynamoDB.

Give it to pytest with ``-p tests.second_opinion.on_dynalite`` and the port in ``DYNALITE_PORT``.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_socket

# The tests of this run need one socket, so none is forbidden; conftest.py imports the name after this.
pytest_socket.disable_socket = lambda **_: None

from kiln import aws  # noqa: E402
from tests.support import account  # noqa: E402

TABLE = account.ENVIRONMENT["TABLE_NAME"]
NOT_THERE = ("UnknownOperationException", "TransactWriteItems")
"""dynalite has no transactions."""

_moto_backend = account.get_backend
_furnish = account.furnish
account.ENVIRONMENT["AWS_ENDPOINT_URL_DYNAMODB"] = f"http://127.0.0.1:{os.environ['DYNALITE_PORT']}"


def _clear() -> None:
    client = aws.dynamodb()
    for page in client.get_paginator("scan").paginate(TableName=TABLE, ProjectionExpression="pk"):
        for item in page["Items"]:
            client.delete_item(TableName=TABLE, Key=item)


def _backend(service: str) -> Any:
    if service != "dynamodb":
        return _moto_backend(service)
    table = SimpleNamespace(items=SimpleNamespace(clear=_clear))
    return {account.ACCOUNT: {"us-east-1": SimpleNamespace(tables={TABLE: table})}}


def _furnish_again() -> None:
    client = aws.dynamodb()
    if TABLE in client.list_tables()["TableNames"]:
        client.delete_table(TableName=TABLE)
        client.get_waiter("table_not_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    _furnish()
    while client.describe_table(TableName=TABLE)["Table"]["TableStatus"] != "ACTIVE":
        pass


account.get_backend = _backend  # type: ignore[assignment]
account.furnish = _furnish_again


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skips a test that failed because it needs a transaction."""
    report = yield
    if report.failed and any(each in str(report.longrepr) for each in NOT_THERE):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), 0, "dynalite has no TransactWriteItems")
    return report
