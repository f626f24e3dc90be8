"""Fixtures of the chaos tests: a stack to break, and a receiver at a ``callback_url``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from local.receiver import Receiver
from tests.chaos.breaking import record
from tests.chaos.plans import Point
from tests.chaos.scenarios import api_task, dropped_task
from tests.chaos.stacks import ChaosDeployment, broken_stack


@pytest.fixture(scope="module")
def kiln(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosDeployment]:
    """A stack for the tests of one file."""
    with broken_stack(tmp_path_factory.mktemp("chaos")) as deployed:
        yield deployed


@pytest.fixture(autouse=True)
def _no_faults(kiln: ChaosDeployment) -> Iterator[None]:
    with kiln.without_faults():
        yield


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Something that listens at callers' ``callback_url``."""
    with Receiver() as listening:
        yield listening


@pytest.fixture(scope="module")
def points(kiln: ChaosDeployment, receiver: Receiver) -> Sequence[Point]:
    """Where a mixture may break Kiln from within."""
    found = {*record(kiln, receiver, api_task), *record(kiln, receiver, dropped_task)}
    return sorted(point for point in found if point.function != "Query")
