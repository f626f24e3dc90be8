"""Locks pin every package to one version by its digest, and name no index."""

from __future__ import annotations

import re

import pytest

from local.children import ROOT

SHIPPED = [ROOT / "layers/kiln/requirements.txt", ROOT / "functions/collect/requirements.txt"]
LOCKS = [*sorted((ROOT / "locks").glob("*.txt")), *SHIPPED]

_PINNED = re.compile(r"\A(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)")
_DIGEST = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def requirements(text: str) -> list[str]:
    """The requirements of a lock, each in one line, comments left out."""
    lines = (line for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))
    return "\n".join(lines).replace("\\\n", " ").splitlines()


def pins(text: str) -> dict[str, set[str]]:
    """The versions of each package; there are several where they depend on the Python."""
    found: dict[str, set[str]] = {}
    for line in requirements(text):
        pinned = _PINNED.match(line)
        assert pinned, f"not one version of one package: {line}"
        found.setdefault(pinned["name"], set()).add(pinned["version"])
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: f"{lock.parent.name}/{lock.name}")
def test_every_package_is_pinned_with_its_digest(lock):
    text = lock.read_text(encoding="utf-8")
    assert pins(text)
    without = [line for line in requirements(text) if not _DIGEST.search(line)]
    assert without == []
    # No address and no index: a package is known by its digest.
    assert not re.search(r"://|^\s*-[^-]|--(extra-)?index-url|--find-links", text, re.MULTILINE)


@pytest.mark.parametrize("lock", SHIPPED, ids=lambda lock: lock.parent.name)
def test_package_pins_the_tested_versions(lock):
    tested = pins((ROOT / "locks" / "dev.txt").read_text(encoding="utf-8"))
    shipped = pins(lock.read_text(encoding="utf-8"))
    assert shipped
    assert {name: versions for name, versions in shipped.items() if not versions <= tested.get(name, set())} == {}
