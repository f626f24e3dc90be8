"""Expected instruction ratios: a check fails above the tolerance only, and writing keeps the other ratios."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from benchmarks.data import expected_instructions


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "expected.json"
    path.write_text(json.dumps({"cold_start": {"poll": 1.0}, "warm": {"small": 1.0, "large": 8.0}}), "utf-8")
    monkeypatch.setattr(expected_instructions, "FILE", path)
    return path


def compare(*flags: str, **ratios: float) -> int:
    parser = argparse.ArgumentParser()
    expected_instructions.add_arguments(parser)
    arguments = parser.parse_args(flags)
    return expected_instructions.compare(
        "warm", ratios, arguments, tolerance=0.05, line=lambda name, ratio: f"{name} {ratio}"
    )


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    ("flags", "ratio", "status"),
    [(["--check"], 1.05, 0), (["--check"], 1.06, 1), ([], 1.06, 0)],
)
def test_check_fails_only_above_the_tolerance(flags: list[str], ratio: float, status: int) -> None:
    assert compare(*flags, small=ratio) == status


@pytest.mark.usefixtures("file")
def test_check_of_an_unknown_ratio_fails_and_names_what_was_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("--check", new=1.0) == 1
    assert capsys.readouterr().out == "new 1.0, expected 0.0\n"


def test_write_replaces_given_ratios_and_keeps_the_others(file: Path) -> None:
    assert compare("--write", small=2.0) == 0
    assert json.loads(file.read_text("utf-8")) == {"cold_start": {"poll": 1.0}, "warm": {"small": 2.0, "large": 8.0}}
