"""Rules for the tests themselves: what they import, and how they are named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.account import ROOT

MODULES = sorted((ROOT / "tests").rglob("test_*.py"))
PROVERB = re.compile(
    r"^test_(who|what|nobody|whoever|it|where|how)_"  # prose: allow
    r"|_(nobody|whoever|anybody|told|anew|in_vain)(_|$)"  # prose: allow
)


def path_of(module: Path) -> str:
    return str(module.relative_to(ROOT))


def imported(module: Path) -> list[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


@pytest.mark.parametrize("module", MODULES, ids=path_of)
def test_test_module_imports_no_test_module(module):
    others = [name for name in imported(module) if re.search(r"(^|\.)test_\w+$", name)]
    assert others == [], "move what the tests share to tests/support"


@pytest.mark.parametrize("module", MODULES, ids=path_of)
def test_test_name_says_condition_and_result(module):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [name for name in names if name.startswith("test_") and PROVERB.search(name)] == []
