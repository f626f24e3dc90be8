"""Leaves out the modules of boto3 and botocore that write documentation: no function asks for a docstring.

The data that they write it from is left out as well (``aws_data``). The two modules ``docstring`` and ``utils`` stay,
because the clients' modules import classes from them. Docstrings of clients are empty in the layer.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

from layers.build.library_edits import ChangedLibraryError, replace

_KEPT = frozenset({"__init__.py", "docstring.py", "utils.py"})


def leave_out(library: Path) -> None:
    """Removes the modules, and whatever imports them.

    Raises:
        ChangedLibraryError: A module that stays would need one that goes.
    """
    for package in ("botocore", "boto3"):
        docs = library / package / "docs"
        for path in docs.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in _KEPT:
                path.unlink()
        (docs / "__init__.py").write_text("", encoding="utf-8")
        _without_imports(docs / "docstring.py")
    replace(
        library / "botocore/docs/docstring.py",
        "        docstring_structure = DocumentStructure('docstring', target='html')\n",
        "        return ''\n        docstring_structure = DocumentStructure('docstring', target='html')\n",
    )
    missing = [name for package in ("botocore", "boto3", "s3transfer") for name in _missing(library, library / package)]
    if missing:
        raise ChangedLibraryError(f"imported, but left out with the documentation: {', '.join(missing)}")


def _without_imports(path: Path) -> None:
    """Takes the imports of removed modules out of a source."""
    source = path.read_text("utf-8")
    lines = source.splitlines(keepends=True)
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.ImportFrom) and not (node.module or "").endswith(".docstring"):
            del lines[node.lineno - 1 : node.end_lineno]
    path.write_text("".join(lines), encoding="utf-8")


def _missing(library: Path, folder: Path) -> Iterator[str]:
    """Yields the modules of documentation that a source imports and that are not there."""
    for path in folder.rglob("*.py"):
        package = ".".join(path.relative_to(library).parts[:-1])
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                module = ".".join([*parents, *([node.module] if node.module else [])])
                names = [f"{module}.{each.name}" for each in node.names] if module.endswith(".docs") else [module]
                for name in names:
                    if ".docs." in name and not (library / f"{name.replace('.', '/')}.py").exists():
                        yield f"{name} by {path.relative_to(library)}"
