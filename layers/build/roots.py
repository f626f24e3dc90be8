"""Picks the certificates that AWS's own endpoints need out of certifi's bundle."""

from __future__ import annotations

import re
from pathlib import Path

SUBJECTS = (
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
)
"""Amazon Trust Services' roots, all of which AWS asks its clients to trust."""

_CERTIFICATE = re.compile(r"# Subject: CN=(?P<name>.+?) O=.*?-----END CERTIFICATE-----\n", re.DOTALL)


class MissingRootError(Exception):
    """certifi's bundle lacks one of Amazon's roots, or names it otherwise."""


def pick_roots(bundle: Path, target: Path) -> None:
    """Writes the roots to a separate bundle.

    Raises:
        MissingRootError: Not all are there.
    """
    found = {each["name"]: each[0] for each in _CERTIFICATE.finditer(bundle.read_text("utf-8"))}
    missing = [name for name in SUBJECTS if name not in found]
    if missing:
        raise MissingRootError(", ".join(missing))
    target.write_text("\n".join(found[name] for name in SUBJECTS), encoding="utf-8")
