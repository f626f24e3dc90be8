"""Fixtures of the tests of drops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kiln import aws


@pytest.fixture
def calls(cloud) -> Iterator[list[str]]:
    """The calls of AWS that the test makes, as ``s3.HeadObject``."""
    made: list[str] = []
    clients: list[Any] = [aws.s3(), aws.sqs(), aws.dynamodb()]

    def count(model: Any, **_: object) -> None:
        made.append(f"{model.service_model.service_name}.{model.name}")

    for client in clients:
        client.meta.events.register("before-call", count, unique_id="count")
    yield made
    for client in clients:
        client.meta.events.unregister("before-call", unique_id="count")
