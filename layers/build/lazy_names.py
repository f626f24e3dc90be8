"""Makes a package that only gathers names import each of them when it is first asked for (PEP 562)."""

from __future__ import annotations

import ast
from pathlib import Path

from layers.build.library_edits import ChangedLibraryError

_GETATTR = """

def __getattr__(name):
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name], __name__), name)
    return value
"""


def make_lazy(path: Path) -> None:
    """Rewrites a package's ``__init__.py``. Its names stay the same objects, in the same modules.

    Raises:
        ChangedLibraryError: It does more than gather names.
    """
    kept: list[ast.stmt] = []
    modules: dict[str, str] = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if any(each.asname for each in node.names):
                raise ChangedLibraryError(f"{path}: must import names as they are, line {node.lineno}")
            names = {each.name for each in node.names}
            # A submodule that is imported would replace a name that is called like it.
            if module.rpartition(".")[2] in names:
                kept.append(node)
            else:
                modules |= dict.fromkeys(names, module)
        elif _is_docstring(node) or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"):
            kept.append(node)
        else:
            raise ChangedLibraryError(f"{path}: must only gather names, line {node.lineno}: {ast.unparse(node)}")
    if not modules:
        raise ChangedLibraryError(f"{path}: must gather names, gathers none")
    source = "\n".join(ast.unparse(node) for node in kept)
    path.write_text(f"{source}\n\n_MODULES = {dict(sorted(modules.items()))!r}\n{_GETATTR}", encoding="utf-8")


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
