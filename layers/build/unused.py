"""Leaves out code of libraries that no function runs, so that no cold start imports it.

Each edit is mechanical, and fails the build if the library has changed. ADR 0134 has its gain.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from layers.build.lazy_names import make_lazy
from layers.build.library_edits import ChangedLibraryError, definition, remove_lines, replace

_SERVICES = {
    "dynamodb": "dynamodb",
    "events": "eventbridge",
    "s3": "s3",
    "secretsmanager": "secrets-manager",
    "sqs": "sqs",
    "states": "sfn",
    "stepfunctions": "sfn",
}
"""The services of the layer's clients: the names that botocore's events have, and the names that it makes of them."""


def leave_out(library: Path) -> None:
    """Edits the libraries of the layer.

    Raises:
        ChangedLibraryError: One of them is not as expected.
    """
    powertools = library / "aws_lambda_powertools"
    for package in ("event_handler", "utilities/data_classes"):
        make_lazy(powertools / package / "__init__.py")
    _import_asyncio_late(powertools / "utilities/batch/base.py")
    _import_s3transfer_late(library)
    keep_own_handlers(library / "botocore/handlers.py")
    keep_own_aliases(library / "botocore/utils.py")
    make_plain_dictionaries(library / "pydantic_core/core_schema.py")
    leave_out_metadata(library)


def _import_asyncio_late(path: Path) -> None:
    """Imports asyncio where a batch is processed asynchronously, which Kiln's batches are not."""
    replace(path, "import asyncio\nimport copy\n", "import copy\n")
    replace(
        path,
        "        async def async_process_closure():\n",
        "        import asyncio\n\n        async def async_process_closure():\n",
    )


def _import_s3transfer_late(library: Path) -> None:
    """Imports s3transfer with the first S3 client, and multiprocessing with s3transfer's pool of processes."""
    replace(library / "boto3/compat.py", "from s3transfer.manager import TransferConfig\n", "")
    replace(
        library / "boto3/compat.py",
        "TRANSFER_CONFIG_SUPPORTS_CRT = hasattr(TransferConfig, 'UNSET_DEFAULT')\n",
        "def __getattr__(name):\n"
        "    if name != 'TRANSFER_CONFIG_SUPPORTS_CRT':\n"
        "        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')\n"
        "    from s3transfer.manager import TransferConfig\n\n"
        "    return hasattr(TransferConfig, 'UNSET_DEFAULT')\n",
    )
    replace(
        library / "s3transfer/compat.py", "from multiprocessing.managers import BaseManager  # noqa: F401,E402\n", ""
    )
    replace(
        library / "s3transfer/processpool.py",
        "from s3transfer.compat import MAXINT, BaseManager\n",
        "from multiprocessing.managers import BaseManager\n\nfrom s3transfer.compat import MAXINT\n",
    )


def keep_own_handlers(path: Path) -> None:
    """Removes botocore's handlers of other services, and those of documentation: each session registers all."""
    handlers = definition(path, "BUILTIN_HANDLERS")
    if not isinstance(handlers, ast.List):
        raise ChangedLibraryError(f"{path}: BUILTIN_HANDLERS must be a list")
    own = {*_SERVICES, *_SERVICES.values()}
    foreign = []
    for handler in handlers.elts:
        if not isinstance(handler, ast.Tuple):
            raise ChangedLibraryError(f"{path}: a handler must be a tuple, line {handler.lineno}")
        event = ast.literal_eval(handler.elts[0])
        kind, _, rest = event.partition(".")
        if kind == "docs" or (rest and rest.split(".")[0] not in own):
            foreign.append(handler)
    _remove(path, foreign)


def keep_own_aliases(path: Path) -> None:
    """Removes botocore's other names of other services: it looks for each of them in every new event's name."""
    aliases = definition(path, "EVENT_ALIASES")
    if not isinstance(aliases, ast.Dict):
        raise ChangedLibraryError(f"{path}: EVENT_ALIASES must be a dictionary")
    own = set(_SERVICES.values())
    pairs = zip(aliases.keys, aliases.values, strict=True)
    _remove(path, [value for _, value in pairs if ast.literal_eval(value) not in own])


def make_plain_dictionaries(path: Path) -> None:
    """Makes pydantic-core's descriptions of its schemas plain dictionaries: only type checkers read them."""
    source = path.read_text("utf-8")
    typed: dict[str, ast.ClassDef] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and any(base.id in {"TypedDict", *typed} for base in _names(node.bases)):
            typed[node.name] = node
    if len(typed) < 60 or "from __future__ import annotations" not in source:
        raise ChangedLibraryError(f"{path}: must have its typed dictionaries, has {len(typed)}")
    lines = source.splitlines(keepends=True)
    for node in reversed(typed.values()):
        lines[node.lineno - 1 : node.end_lineno] = [f"{node.name} = dict\n"]
    path.write_text("".join(lines), encoding="utf-8")


def leave_out_metadata(library: Path) -> None:
    """Imports no metadata of libraries: urllib3 needs it for HTTP/2, and pydantic to look for plugins."""
    for path in library.glob("*.dist-info/entry_points.txt"):
        if "[pydantic]" in path.read_text("utf-8"):
            raise ChangedLibraryError(f"{path}: must have no plugin of pydantic, has one")
    loader = library / "pydantic/plugin/_loader.py"
    replace(loader, "import importlib.metadata as importlib_metadata\n", "")
    replace(loader, "for dist in importlib_metadata.distributions():\n", "for dist in ():\n")
    http2 = library / "urllib3/http2/__init__.py"
    replace(http2, "from importlib.metadata import version\n", "")
    replace(
        http2,
        "    # First check if h2 version is valid\n",
        "    from importlib.metadata import version\n\n    # First check if h2 version is valid\n",
    )


def _names(nodes: Iterable[ast.expr]) -> list[ast.Name]:
    return [node for node in nodes if isinstance(node, ast.Name)]


def _remove(path: Path, nodes: Iterable[ast.expr]) -> None:
    """Removes elements of a list or a dictionary, each of which has its own lines."""
    found = list(nodes)
    if not found:
        raise ChangedLibraryError(f"{path}: must have elements of other services, has none")
    remove_lines(path, [(node.lineno, node.end_lineno or node.lineno) for node in found])
