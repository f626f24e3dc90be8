"""The ban list of `make check-prose`: each rule finds its wrong examples and leaves its right ones alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from relint.config import load_config
from relint.parse import lint_file

from tests.support.account import ROOT

WORDS = ROOT / "docs/prose/words.yml"
RULES: list[dict[str, Any]] = yaml.safe_load(WORDS.read_text("utf-8"))
CHECKS = {check.name: check for check in load_config(WORDS, fail_warnings=True, ignore_warnings=False)}


def examples(kind: str) -> list[Any]:
    return [pytest.param(rule["name"], text, id=f"{rule['name']}: {text}") for rule in RULES for text in rule[kind]]


def found(name: str, text: str, folder: Path) -> bool:
    file = folder / "example.py"
    file.write_text(text, "utf-8")
    return any(lint_file(str(file), [CHECKS[name]]))


@pytest.mark.parametrize(("name", "text"), examples("wrong"))
def test_wrong_example_is_found(tmp_path: Path, name: str, text: str) -> None:
    assert found(name, text, tmp_path)


@pytest.mark.parametrize(("name", "text"), examples("right"))
def test_right_example_is_not_found(tmp_path: Path, name: str, text: str) -> None:
    assert not found(name, text, tmp_path)


@pytest.mark.parametrize("name", CHECKS)
def test_line_marked_as_allowed_is_not_found(tmp_path: Path, name: str) -> None:
    [wrong, *_] = (rule["wrong"][0] for rule in RULES if rule["name"] == name)
    assert not found(name, f"{wrong}  # prose: allow", tmp_path)
