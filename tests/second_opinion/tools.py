"""Where the second opinions' tools are: ``make second-opinion`` puts them into ``.second-opinion``.

cfn-lint is in ``.venv-sam`` too, after ``make build``.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".second-opinion"
NODE = FOLDER / "node_modules"


def python_tool(name: str) -> str:
    """A command of the Python tools; the test is skipped where they are missing."""
    own, of_builds = FOLDER / "venv/bin" / name, ROOT / ".venv-sam/bin" / name
    is_with_builds = name == "cfn-lint" and of_builds.exists() and not own.exists()
    return _found(of_builds if is_with_builds else own, name)


def node_tool(name: str) -> str:
    """A command of the Node.js tools; the test is skipped where they are missing."""
    return _found(NODE / ".bin" / name, name)


def run(*command: str | Path, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """Runs a command and returns what it printed."""
    arguments = [str(each) for each in command]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=timeout, check=False)


def assert_agrees(*command: str | Path) -> None:
    """The command ends with 0."""
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def _found(path: Path, name: str) -> str:
    if not path.exists():
        pytest.skip(f"{name} is not installed: run make second-opinion (the npm tools need Node.js)")
    return str(path)
