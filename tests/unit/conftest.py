"""Fixtures of every unit test: no sockets, a separate environment, AWS in the process, cold caches."""

from __future__ import annotations

import gc
import io
import logging
import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from moto import mock_aws
from pytest_socket import disable_socket, enable_socket

from kiln import aws, metrics
from kiln.auth import callers
from kiln.images import storage
from kiln.slots.store import Slots
from kiln_lambda import observability
from kiln_lambda.observability import logger
from tests.support import account
from tests.support.clock import StoppedClock
from tests.support.fakes import Accepted, SignedPuts, StepFunctions
from tests.support.inbox import Inbox

# Tests make little garbage beside the millions of objects that imports leave. The collector would walk those again and
# again: with its own thresholds it takes an eighth of the ring.
gc.set_threshold(100_000, 50, 100)


def pytest_collection_finish() -> None:
    """Takes what imports and collection have made out of the collector's sight."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_sockets() -> Iterator[None]:
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture(scope="package", autouse=True)
def _environment_of_this_ring() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        _set_environment(patch)
        yield


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    _set_environment(monkeypatch)
    monkeypatch.setattr(callers, "_last_fresh", float("-inf"))
    account.forget()
    yield
    account.forget()


def _set_environment(patch: pytest.MonkeyPatch) -> None:
    """Sets the variables that differ: to set all of them again takes as long as many a test."""
    for name in account.FOREIGN:
        patch.delenv(name, raising=False)
    for name, value in account.ENVIRONMENT.items():
        if os.environ.get(name) != value:
            patch.setenv(name, value)


@pytest.fixture(scope="package", autouse=True)
def _clients_of_this_ring() -> Iterator[None]:
    """Clients are made once for all unit tests, and none of them is left to the other rings."""
    account.forget_clients()
    yield
    account.forget_clients()


@pytest.fixture(scope="module")
def _furnished() -> Iterator[SimpleNamespace]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in account.ENVIRONMENT.items():
            patch.setenv(name, value)
        account.furnish()
        yield SimpleNamespace(dynamodb=aws.dynamodb(), s3=aws.s3(), sqs=aws.sqs())


@pytest.fixture
def cloud(
    _environment: None, _furnished: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    """An AWS account that the template was deployed to, with nothing in it yet; and its clients."""
    monkeypatch.setattr(storage, "http", lambda: SignedPuts(_furnished.s3))
    yield _furnished
    account.empty()


@pytest.fixture
def slots(cloud: SimpleNamespace) -> Slots:
    """The slots of an account that has three."""
    return Slots(limit=3)


@pytest.fixture
def accepted(cloud: SimpleNamespace) -> Accepted:
    """The tasks that were accepted."""
    return Accepted(cloud.dynamodb, account.ENVIRONMENT["TABLE_NAME"])


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> StepFunctions:
    """Step Functions, played; the layer finds it where it finds the real one."""
    fake = StepFunctions()
    monkeypatch.setattr(aws, "step_functions", lambda: fake)
    return fake


class Measured(list[tuple[str, float, str]]):
    """The measurements: the metric's name, the value, and the second dimension's value."""

    def of(self, metric: metrics.Metric) -> list[float]:
        """The values of one metric, whatever its second dimension."""
        return [value for name, value, _ in self if name == metric.name]


@pytest.fixture(autouse=True)
def measured() -> Iterator[Measured]:
    """Measurements come here instead of to the log."""
    kept = Measured()
    metrics.publish_with(lambda metric, value, of: kept.append((metric.name, value, of)))
    yield kept
    metrics.publish_with(observability.publish)


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """The functions' log, as CloudWatch gets it."""
    handler = logger.registered_handler
    written = io.StringIO()
    before = handler.setStream(written)  # type: ignore[attr-defined]
    yield written
    handler.setStream(before)  # type: ignore[attr-defined]


@pytest.fixture
def logged_at_root() -> Iterator[io.StringIO]:
    """The messages that reach Python's root logger: those of the domain and of libraries."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def inbox(cloud, monkeypatch) -> Inbox:
    """Its second looks are due at once."""
    monkeypatch.setenv("DROP_WAIT_SECONDS", "0")
    monkeypatch.setenv("DROP_QUIET_SECONDS", "0")
    return Inbox(cloud)


@pytest.fixture
def stopped_clock(monkeypatch) -> StoppedClock:
    """A clock that moves only when the test moves it."""
    return StoppedClock(monkeypatch)


@pytest.fixture
def one_minute(stopped_clock) -> None:
    """Stops the clock, so that no minute ends while the test runs."""
