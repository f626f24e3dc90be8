"""Installs the locked libraries for a Lambda function's machine, whatever machine this is, without what never runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PYTHON = "3.13"
PLATFORMS = {
    "arm64": ["manylinux_2_28_aarch64", "manylinux2014_aarch64"],
    "x86_64": ["manylinux_2_28_x86_64", "manylinux2014_x86_64"],
}
"""The platforms that Amazon Linux 2023, the base of the Python runtimes, can load."""

_NEVER_LOADED = ("anyio", "bin")
"""Optional packages of httpcore for asynchronous use, and commands for people's machines. The layer needs neither."""


def install(requirements: Path, target: Path, architecture: str) -> None:
    """Installs wheels; nothing is compiled here, so a library without a wheel for the machine is an error.

    Args:
        requirements: The lock; it names everything with its digests, so nothing is resolved.
        target: Where to.
        architecture: ``arm64`` or ``x86_64``.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--only-binary=:all:"]
    command += ["--require-hashes", "--implementation", "cp", "--python-version", PYTHON]
    command += [f"--platform={platform}" for platform in PLATFORMS[architecture]]
    command += ["--target", str(target), "--requirement", str(requirements)]
    subprocess.run(command, check=True)  # noqa: S603 - our own words
    for name in _NEVER_LOADED:
        shutil.rmtree(target / name, ignore_errors=True)
    for stub in target.rglob("*.pyi"):
        stub.unlink()
