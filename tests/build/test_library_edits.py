"""The libraries in the layer: each edit of the build leaves out only code that no function runs."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.utils
import pytest
from pydantic_core import core_schema
from typing_extensions import is_typeddict

from benchmarks.measuring.cold_start.lambda_environment import environment, isolated
from layers.build.lazy_names import make_lazy
from layers.build.library_edits import ChangedLibraryError, definition, remove_lines, replace
from layers.build.unused import keep_own_aliases, keep_own_handlers, leave_out_metadata, make_plain_dictionaries

OWN_EVENTS = {"s3", "dynamodb", "secrets-manager", "sqs", "sfn", "eventbridge"}
NEVER_IMPORTED = ("asyncio", "multiprocessing", "s3transfer", "html", "importlib.metadata", "botocore.docs.bcdoc")


@pytest.fixture(scope="module")
def library(native: Path) -> Path:
    return native / "KilnLayer/python"


@pytest.fixture
def evaluated(library, python):
    """Runs a script with the layer's libraries, and returns the JSON that it prints."""

    def run(script: str, *arguments: str, environment: dict[str, str] | None = None) -> Any:
        variables = environment or {"PYTHONPATH": str(library), "AWS_DEFAULT_REGION": "eu-central-1"}
        command = isolated(python, script, *arguments)
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


@pytest.mark.parametrize("package", ["event_handler", "utilities.data_classes"])
def test_lazy_names_are_the_same_objects(evaluated, package):
    whole = importlib.import_module(f"aws_lambda_powertools.{package}")
    script = (
        f"import json, aws_lambda_powertools.{package} as package; "
        "print(json.dumps({name: [getattr(package, name).__module__, getattr(package, name).__qualname__]"
        " for name in package.__all__}))"
    )
    expected = {name: [getattr(whole, name).__module__, getattr(whole, name).__qualname__] for name in whole.__all__}
    assert evaluated(script) == expected


def test_lazy_package_refuses_a_name_that_it_lacks(evaluated):
    script = "import json, aws_lambda_powertools.event_handler as it; print(json.dumps(hasattr(it, 'Resolver')))"
    assert evaluated(script) is False


@pytest.mark.parametrize(
    "source", ["x = 1\n", "from .a import b as c\n", "import os\n", '"""Gathers nothing."""\n', "def f(): ...\n"]
)
def test_package_that_does_more_than_gather_names_fails(tmp_path, source):
    path = tmp_path / "__init__.py"
    path.write_text(source, "utf-8")
    with pytest.raises(ChangedLibraryError):
        make_lazy(path)


def test_handlers_of_own_services_are_unchanged(evaluated):
    def is_own(event: str) -> bool:
        kind, _, rest = event.partition(".")
        return kind != "docs" and (not rest or rest.split(".")[0] in OWN_EVENTS)

    script = (
        "import json, botocore.handlers as h; "
        "print(json.dumps([[r[0], getattr(r[1], '__name__', type(r[1]).__name__)] for r in h.BUILTIN_HANDLERS]))"
    )
    # In another process: tests of other modules add handlers to the library of this one.
    whole = json.loads(subprocess.check_output([sys.executable, "-c", script], text=True))
    expected = [row for row in whole if is_own(row[0])]
    assert len(expected) > 40
    # The layer's aliases of EC2's parameters are added after the list.
    assert [row for row in evaluated(script) if is_own(row[0])] == expected


def test_own_services_keep_their_other_names(evaluated):
    script = "import json, botocore.utils as u; print(json.dumps(u.EVENT_ALIASES))"
    whole = botocore.utils.EVENT_ALIASES
    assert evaluated(script) == {name: service for name, service in whole.items() if service in OWN_EVENTS}


def test_descriptions_of_schemas_are_plain_dictionaries(evaluated):
    script = (
        "import json, pydantic_core.core_schema as s; "
        "print(json.dumps({name: each is dict for name, each in vars(s).items() if name.strip('_')[:1].isupper()}))"
    )
    described = evaluated(script)
    typed = {name for name, each in vars(core_schema).items() if is_typeddict(each)}
    assert len(typed) > 60
    assert {name for name, is_plain in described.items() if is_plain} >= typed
    assert described.keys() <= vars(core_schema).keys()


def test_pydantic_looks_for_no_plugins(evaluated):
    script = "import json; from pydantic.plugin._loader import get_plugins; print(json.dumps(list(get_plugins())))"
    assert evaluated(script) == []


def test_library_with_a_plugin_of_pydantic_fails(tmp_path):
    (tmp_path / "new-1.0.dist-info").mkdir()
    (tmp_path / "new-1.0.dist-info/entry_points.txt").write_text("[pydantic]\nnew = new:plugin\n", "utf-8")
    with pytest.raises(ChangedLibraryError):
        leave_out_metadata(tmp_path)


@pytest.mark.parametrize("edit", [keep_own_handlers, keep_own_aliases, make_plain_dictionaries])
@pytest.mark.parametrize(
    "source",
    ["", "BUILTIN_HANDLERS = EVENT_ALIASES = None", "BUILTIN_HANDLERS = []\nEVENT_ALIASES = {}", "EVENT_ALIASES = 1"],
)
def test_changed_library_fails_its_edit(tmp_path, edit, source):
    path = tmp_path / "library.py"
    path.write_text(source, "utf-8")
    with pytest.raises(ChangedLibraryError):
        edit(path)


def test_removed_lines_that_leave_no_python_fail(tmp_path):
    path = tmp_path / "library.py"
    path.write_text("found = [\n    1,\n]\n", "utf-8")
    assert ast.unparse(definition(path, "found")) == "[1]"
    with pytest.raises(ChangedLibraryError):
        remove_lines(path, [(1, 1)])


def test_function_imports_no_code_that_it_never_runs(native, evaluated, outside):
    script = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import app; "
        f"print(json.dumps([name for name in {NEVER_IMPORTED} if name in sys.modules]))"
    )
    variables = environment(native / "KilnLayer", outside)
    assert evaluated(script, str(native / "CallbackFunction"), environment=variables) == []
