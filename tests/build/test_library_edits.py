"""The libraries in the layer: each edit of the build leaves out only code that no function runs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from layers.build.library_edits import ChangedLibraryError, replace


@pytest.fixture(scope="module")
def library(native: Path) -> Path:
    return native / "KilnLayer/python"


@pytest.fixture
def evaluated(library, python):
    """Runs a script with the layer's libraries, and returns the JSON that it prints."""

    def run(script: str) -> Any:
        variables = {"PYTHONPATH": str(library), "AWS_DEFAULT_REGION": "eu-central-1"}
        command = [python, "-S", "-s", "-B", "-c", script]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("source", ["", "import asyncio\nimport asyncio\n"])
def test_edit_of_a_changed_library_fails(tmp_path, source):
    path = tmp_path / "library.py"
    path.write_text(source, "utf-8")
    with pytest.raises(ChangedLibraryError):
        replace(path, "import asyncio\n", "")
    assert path.read_text("utf-8") == source


def test_documentation_modules_are_left_out(library):
    for package in ("boto3", "botocore"):
        left = {path.name for path in (library / package / "docs").iterdir()}
        assert left == {"__init__.py", "docstring.py", "utils.py", "__pycache__"}


def test_docstrings_of_clients_are_empty(evaluated):
    script = (
        "import json; from kiln import aws; s3 = aws.s3(); "
        "print(json.dumps([str(s3.put_object.__doc__), s3.upload_file.__name__]))"
    )
    assert evaluated(script) == ["", "upload_file"]
