"""Trims botocore's descriptions of AWS to the services and the operations that the layer's own code names.

botocore brings the descriptions of over 400 services, 27 MB, and reads a good part of them at every cold start.
The kept ones stay in botocore's own place and form, so nothing at run time notices a difference.
"""

from __future__ import annotations

import ast
import gzip
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ASKED_FOR_BY_BOTOCORE = {"s3": {"CreateBucket", "HeadBucket"}}
"""Signing a form looks at the one, following a bucket to its region calls the other."""

_KEPT_WHOLE = ("partitions.json", "sdk-default-configuration.json", "_retry.json")
_KEPT_OF_A_SERVICE = ("service-2", "service-2.sdk-extras", "endpoint-rule-set-1")
_NEVER_READ = frozenset({"documentation", "documentationUrl", "examples"})


class UnknownServiceError(Exception):
    """The code makes a client of a service that botocore has no description of."""


def trim(library: Path, sources: Path) -> None:
    """Replaces ``botocore/data`` by what the sources need, and removes boto3's.

    Args:
        library: Where botocore is installed.
        sources: The code that makes and uses the clients.
    """
    full, trimmed = library / "botocore/data", library / "botocore/trimmed"
    named = _names(sources)
    prefixes = set()
    for name in _KEPT_WHOLE:
        _write(trimmed / name, _read(full / name))
    for service in sorted(set(_services(sources / "aws.py"))):
        versions = sorted((full / service).glob("*/"))
        if not versions:
            raise UnknownServiceError(service)
        for stem in _KEPT_OF_A_SERVICE:
            for path in versions[-1].glob(f"{stem}.json*"):
                content = _read(path)
                if stem == "service-2":
                    content = _only(content, named, _ASKED_FOR_BY_BOTOCORE.get(service, set()))
                    prefixes.add(content["metadata"]["endpointPrefix"])
                _write(trimmed / service / versions[-1].name / f"{stem}.json", content)
    _write(trimmed / "endpoints.json", _endpoints(_read(full / "endpoints.json"), prefixes))
    shutil.rmtree(full)
    trimmed.rename(full)
    # Descriptions of boto3's resources, which the layer's code does not use, and examples for people.
    for name in ("data", "examples"):
        shutil.rmtree(library / "boto3" / name)


def snake(operation: str) -> str:
    """An operation as a method of its client: ``PutItem`` is ``put_item``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower()


def _services(file: Path) -> Iterator[str]:
    """The services that clients are made of."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"client", "create_client", "_client"}:
                yield str(node.args[0].value)


def _names(sources: Path) -> set[str]:
    """Every attribute and every text in the code: an operation that is in none of them is never called."""
    found = set()
    for file in sources.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def _only(model: dict[str, Any], named: set[str], always: set[str]) -> dict[str, Any]:
    """A service's description with the named operations, and the shapes that these are made of."""
    operations = {
        name: operation for name, operation in model["operations"].items() if name in always or snake(name) in named
    }
    shapes: dict[str, Any] = {}
    to_do = list(_shapes_in(operations))
    while to_do:
        name = to_do.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            to_do.extend(_shapes_in(shapes[name]))
    return {**model, "operations": _lean(operations), "shapes": _lean(shapes)}


def _shapes_in(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("shape"), str):
            yield node["shape"]
        for each in node.values():
            yield from _shapes_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from _shapes_in(each)


def _endpoints(endpoints: dict[str, Any], prefixes: set[str]) -> dict[str, Any]:
    """The old form of the list of endpoints, which botocore still reads for the signatures of a service."""
    partitions = [
        {**each, "services": {name: known for name, known in each["services"].items() if name in prefixes}}
        for each in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def _read(path: Path) -> Any:
    """Reads a description, which botocore brings plain or compressed."""
    if path.exists() and path.suffix != ".gz":
        return json.loads(path.read_bytes())
    packed = path if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    return json.loads(gzip.decompress(packed.read_bytes()))


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def _lean(node: Any) -> Any:
    """Without what is written for people; a member that is called so is a dictionary, and stays."""
    if isinstance(node, dict):
        return {name: _lean(each) for name, each in node.items() if not (name in _NEVER_READ and isinstance(each, str))}
    return [_lean(each) for each in node] if isinstance(node, list) else node
