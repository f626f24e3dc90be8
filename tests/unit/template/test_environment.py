"""Every function gets the variables that it reads: a forgotten one would silently be the default."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from kiln import settings
from tests.support.account import ROOT, template

LAYER = ROOT / "layers/kiln"
FUNCTIONS = {
    name: each["Properties"]
    for name, each in template()["Resources"].items()
    if each["Type"] == "AWS::Serverless::Function"
}

NOT_OF_THE_TEMPLATE = {
    "AWS_ENDPOINT_URL",
    "PROVIDER_CONNECT_SECONDS",
    "PROVIDER_READ_SECONDS",
    "PROVIDER_TOTAL_SECONDS",
}
"""Variables that no parameter of the template sets."""

_NO_CALLER = "its requests have no caller: the code that checks keys and makes addresses is not used"
_NO_IMAGES = "only a task with images makes links to them; here it has none yet, or they are left out"

NEVER_READ = {
    "ConsoleFunction": ({"CALLERS_SECRET_ARN", "PUBLIC_URL"}, _NO_CALLER),
    "CallbackFunction": ({"CALLERS_SECRET_ARN", "PUBLIC_URL"}, _NO_CALLER),
    "StartFunction": ({"OUTBOX_BUCKET", "SIGNING_SECRET_ARN"}, _NO_IMAGES),
    "ReconcileFunction": ({"OUTBOX_BUCKET", "SIGNING_SECRET_ARN"}, _NO_IMAGES),
    "OperateFunction": (
        {"CALLER_TASKS_PER_MINUTE", "OUTBOX_BUCKET", "PUBLIC_URL", "SIGNING_SECRET_ARN"},
        "it answers with no links, and nothing counts its tasks",
    ),
}
"""Variables that are left out on purpose, and why: only shared code that these functions do not run reads them."""

Definition = tuple[Path, str]


@cache
def names_of(path: Path) -> tuple[dict[str, ast.AST], dict[str, tuple[str, str]]]:
    """A module's definitions and imports: the module and the name in it, or no name for a whole module."""
    defined: dict[str, ast.AST] = {}
    imported: dict[str, tuple[str, str]] = {}
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {target.id: node for target in targets if isinstance(target, ast.Name)}
    # Some are imported where they are needed.
    for node in ast.walk(tree):  # type: ignore[assignment]
        if isinstance(node, ast.ImportFrom) and node.module:
            imported |= {each.asname or each.name: (node.module, each.name) for each in node.names}
    return defined, imported


@cache
def file_of(module: str) -> Path | None:
    """Where a module of the layer is."""
    path = LAYER / module.replace(".", "/")
    found = [each for each in (path.with_suffix(".py"), path / "__init__.py") if each.exists()]
    return found[0] if found else None


def resolved(path: Path, name: str, attribute: str = "") -> Iterator[Definition]:
    """The definition behind a name in a module, if it belongs to this function or to the layer."""
    defined, imported = names_of(path)
    if name in defined:
        yield path, name
    elif name in imported:
        module, original = imported[name]
        whole, part = file_of(f"{module}.{original}"), file_of(module)
        if whole is not None:
            yield from resolved(whole, attribute) if attribute else ()
        elif part is not None:
            yield from resolved(part, original)


@cache
def used_by(path: Path, name: str) -> tuple[set[Definition], set[str]]:
    """The definitions that one refers to, and the attributes that it reads. A class stands for all of its methods.

    Args:
        path: The module.
        name: The definition in it; the whole module without.
    """
    node = names_of(path)[0][name] if name else ast.parse(path.read_text("utf-8"))
    used: set[Definition] = set()
    attributes: set[str] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute):
            attributes.add(each.attr)
            if isinstance(each.value, ast.Name):
                used.update(resolved(path, each.value.id, each.attr))
        elif isinstance(each, ast.Name):
            used.update(resolved(path, each.id))
    return used, attributes


def variables_read_by(app: Path) -> set[str]:
    """The variables behind every field of a settings model that a handler can come to read."""
    ahead: list[Definition] = [(app, "")]
    reached: set[Definition] = set()
    variables: set[str] = set()
    while ahead:
        used, attributes = used_by(*ahead.pop())
        for where, name in used:
            if where.parent.name == "settings":
                fields = getattr(getattr(settings, name), "model_fields", {})
                variables |= {str(field.alias) for each, field in fields.items() if each in attributes}
            elif (where, name) not in reached:
                reached.add((where, name))
                ahead.append((where, name))
    return variables


@pytest.mark.parametrize("name", FUNCTIONS)
def test_environment_has_every_setting_that_a_function_reads(name):
    given = set(template()["Globals"]["Function"]["Environment"]["Variables"])
    given |= set(FUNCTIONS[name].get("Environment", {}).get("Variables", {}))
    read = variables_read_by(ROOT / FUNCTIONS[name]["CodeUri"] / "app.py")
    left_out, _ = NEVER_READ.get(name, (set(), ""))
    assert read - given - NOT_OF_THE_TEMPLATE == left_out
