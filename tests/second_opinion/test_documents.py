"""The published documents, read by tools that know nothing of the code that wrote them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from jsonschema.validators import validator_for

from tests.second_opinion.tools import NODE, ROOT, assert_agrees, node_tool, python_tool

DOCS = ROOT / "docs"
HERE = Path(__file__).parent


def test_openapi_is_valid() -> None:
    assert_agrees(python_tool("openapi-spec-validator"), DOCS / "openapi.json")


def test_openapi_makes_types_that_compile(tmp_path: Path) -> None:
    types = tmp_path / "kiln.ts"
    assert_agrees(node_tool("openapi-typescript"), DOCS / "openapi.json", "-o", types)
    assert "multi-image2image" in types.read_text("utf-8")
    assert_agrees(node_tool("tsc"), "--strict", "--noEmit", "--skipLibCheck", types)


def test_asyncapi_is_valid() -> None:
    if not (NODE / "@asyncapi/parser").exists():
        pytest.skip("@asyncapi/parser is not installed: run make second-opinion (it needs Node.js)")
    assert_agrees(shutil.which("node") or "node", HERE / "asyncapi.mjs", NODE, DOCS / "asyncapi.json")


@pytest.mark.parametrize("file", sorted((DOCS / "schemas").glob("*.json")), ids=lambda file: file.stem)
def test_json_schema_is_valid(file: Path) -> None:
    schema = json.loads(file.read_text("utf-8"))
    validator_for(schema).check_schema(schema)
