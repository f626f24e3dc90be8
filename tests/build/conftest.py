"""What the ring of the build stands on: what ``make build`` has built, and the same built for this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.measuring.cold_start.lambda_environment import bare_python, native_build
from benchmarks.measuring.cold_start.stand_in import stand_in

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def deployable() -> Path:
    """What is deployed: built for arm64."""
    build = ROOT / ".aws-sam/build"
    if not (build / "template.yaml").exists():
        pytest.fail("nothing has been built: run make build first")
    return build


@pytest.fixture(scope="session")
def native() -> Path:
    """The same, for the machine that the tests run on."""
    return native_build()


@pytest.fixture(scope="session")
def python() -> str:
    """The version of Python that the functions run on."""
    return bare_python()


@pytest.fixture(scope="session")
def outside() -> Iterator[str]:
    """Everything that a function talks to."""
    with stand_in() as address:
        yield address
