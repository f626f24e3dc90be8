"""The imports of a function before its first invocation: nothing that only other functions or rarer requests need."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LAYER = ROOT / "layers/kiln"

CHECKS = {"kiln.images.inputs", "kiln.images.inspection", "kiln.s3"}
BATCHES = {"kiln.contract.batch", "kiln.tasks.batches"}
EVERYWHERE = {"kiln.contract.usage", "kiln.refusal_events"}


@cache
def imported_by(path: Path) -> frozenset[Path]:
    """The layer's own modules that a module imports when it is imported, and their modules."""
    found: set[Path] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{each.name}" for each in node.names] + [node.module]
            found |= {file for name in names if (file := LAYER / f"{name.replace('.', '/')}.py").exists()}
    return frozenset(found.union(*map(imported_by, found)))


def modules_of(function: str) -> set[str]:
    files = imported_by(ROOT / "functions" / function / "app.py")
    return {".".join(file.relative_to(LAYER).with_suffix("").parts) for file in files}


@pytest.mark.parametrize(
    ("function", "others"),
    [
        ("callback", {*CHECKS, *BATCHES, "kiln.tasks.queue", "kiln.tasks.estimates", "kiln.deletion_events"}),
        ("release", {*CHECKS, *BATCHES, "kiln.tasks.queue", "kiln.tasks.estimates", "kiln.deletion_events"}),
        ("poll", {*CHECKS, *BATCHES, "kiln.tasks.queue", "kiln.tasks.estimates", "kiln.deletion_events"}),
        ("operate", {*CHECKS, *BATCHES, "kiln.operating.provider_keys", "kiln.operating.task", "kiln.events"}),
        ("query", {*CHECKS, *BATCHES, "kiln.tasks.progress", "kiln.intake.account_costs"}),
        ("submit", {*BATCHES, "kiln.retry", "kiln.drops.result_file", "kiln.intake.sample_webhook"}),
        ("notify", {*CHECKS, *BATCHES, "kiln.drops.result_file", "kiln.workflow.notify_batch"}),
        ("delete", {*BATCHES, "kiln.drops.result_file", "kiln.erasure"}),
    ],
)
def test_initialisation_imports_nothing_for_other_requests(function, others):
    assert modules_of(function) & (others | EVERYWHERE) == set()
