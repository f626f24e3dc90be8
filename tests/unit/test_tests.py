"""Rules for the tests themselves: what they import, and how they are named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.account import ROOT

MODULES = sorted((ROOT / "tests").rglob("test_*.py"))
IMPORT = re.compile(r"^\s*from (\S+) import ", re.MULTILINE)
TEST = re.compile(r"^\s*(?:async )?def (test_\w+)\(", re.MULTILINE)
PROVERB = re.compile(
    r"^test_(who|what|nobody|whoever|it|where|how)_"  # prose: allow
    r"|_(nobody|whoever|anybody|told|anew|in_vain)(_|$)"  # prose: allow
)


def path_of(module: Path) -> str:
    return str(module.relative_to(ROOT))


def imports_and_tests_of(module: Path) -> tuple[list[str], list[str]]:
    """The modules that a module imports from, and the names of its tests. A syntax tree takes twenty times as long."""
    text = module.read_text(encoding="utf-8")
    return IMPORT.findall(text), TEST.findall(text)


@pytest.mark.parametrize("module", MODULES, ids=path_of)
def test_test_module_imports_no_test_module(module):
    others = [name for name in imports_and_tests_of(module)[0] if re.search(r"(^|\.)test_\w+$", name)]
    assert others == [], "move what the tests share to tests/support"


@pytest.mark.parametrize("module", MODULES, ids=path_of)
def test_test_name_says_condition_and_result(module):
    assert [name for name in imports_and_tests_of(module)[1] if PROVERB.search(name)] == []


def test_patterns_find_imports_and_tests_at_any_depth(tmp_path):
    module = tmp_path / "test_module.py"
    module.write_text(
        "from tests.unit.test_a import (\n    b,\n)\n\nasync def test_c(): ...\n\n"
        "class TestD:\n    def test_e(self):\n        from tests.test_f import g\n"
    )
    assert imports_and_tests_of(module) == (["tests.unit.test_a", "tests.test_f"], ["test_c", "test_e"])
