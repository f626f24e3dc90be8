"""Picks the roots of AWS's own endpoints out of certifi's bundle, and writes all of its roots as separate files."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

from layers.build.name_hash import name_hash

SUBJECTS = (
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
)
"""Amazon Trust Services' roots, all of which AWS asks its clients to trust."""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)
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


def hash_roots(bundle: Path, folder: Path) -> None:
    """Writes each root to a separate file, named as OpenSSL looks it up: it then reads only those of a chain."""
    folder.mkdir()
    for root in _PEM.findall(bundle.read_text("utf-8")):
        name, number = name_hash(ssl.PEM_cert_to_DER_cert(root)), 0
        while (folder / f"{name}.{number}").exists():
            number += 1
        (folder / f"{name}.{number}").write_text(root, encoding="ascii")
