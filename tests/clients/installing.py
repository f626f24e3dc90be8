"""Installs the clients at their pinned versions, each into its own folder; without a package index the tests skip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PATIENCE_S = 600

_NO_INDEX = re.compile(
    r"NewConnectionError|ConnectTimeout|NameResolutionError|ProxyError|Network is unreachable|Temporary failure"
    r"|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH"
)


def python_client(name: str, folder: Path) -> Path:
    """Installs a client from PyPI into a virtualenv, with this interpreter's version of Python.

    Args:
        name: Of the folder here that holds its ``requirements.txt``.
        folder: Where the virtualenv goes.

    Returns:
        The virtualenv's interpreter.
    """
    _run([sys.executable, "-m", "venv", str(folder)], "the virtualenv")
    python = folder / "bin" / "python"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--retries", "1", "--timeout", "30"]
    _run([str(python), "-m", "pip", "install", *options, "-r", str(HERE / name / "requirements.txt")], "PyPI")
    return python


def node_client(name: str, folder: Path) -> Path:
    """Installs a client from npm, with no package's install script run.

    Args:
        name: Of the folder here that holds its ``package-lock.json`` and the driver, which are copied.
        folder: Where it all goes.

    Returns:
        The folder, ready for ``node driver.mjs`` in it.
    """
    if shutil.which("npm") is None:
        pytest.skip(f"{name} runs on Node.js, which is not installed")
    shutil.copytree(HERE / name, folder)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries", "1"]
    _run(["npm", "ci", "--prefix", str(folder), *options], "npm")
    return folder


def _run(command: Sequence[str], source: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=_environment())
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    if _NO_INDEX.search(said):
        pytest.skip(f"{source} cannot be reached to install the client from")
    pytest.fail(f"{' '.join(command)} failed:\n{said}")


def _environment() -> dict[str, str]:
    """The environment without this project's own paths, which the clients have no business with."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
