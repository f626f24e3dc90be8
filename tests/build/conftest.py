"""Fixtures of the build ring: the output of ``make build``, and the same build for this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.cold_start import bare_python, native_build, world

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def deployable() -> Path:
    """The output that is deployed, built for arm64."""
    build = ROOT / ".aws-sam/build"
    if not (build / "template.yaml").exists():
        pytest.fail("There is no build. Run `make build` first.")
    return build


@pytest.fixture(scope="session")
def native() -> Path:
    """The same build for the machine that runs the tests."""
    return native_build()


@pytest.fixture(scope="session")
def python() -> str:
    """The version of Python that the functions run on."""
    return bare_python()


@pytest.fixture(scope="session")
def outside() -> Iterator[str]:
    """The address of a process that stands in for AWS and the provider."""
    with stand_in() as address:
        yield address
