"""Packages the SAM template like ``aws cloudformation package``: replaces local paths by S3 addresses.

The module does not call AWS, and does not change the template file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import marshal
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.templates import read_template

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_UNCHECKED_HASH = (1).to_bytes(4, "little")
_LEFT_OUT = {"__pycache__", "requirements.txt", "Makefile"}


@dataclass(frozen=True)
class Package:
    """A template for CloudFormation, and the objects behind its S3 addresses."""

    template: dict[str, Any]
    objects: dict[str, bytes] = field(default_factory=dict)

    @property
    def parameters(self) -> set[str]:
        """The names of the parameters that the template declares."""
        return set(self.template.get("Parameters", {}))


def package(template_path: Path, bucket: str) -> Package:
    """Reads a SAM template and collects the files that it refers to.

    Args:
        template_path: The template; its paths are relative to its folder.
        bucket: The bucket that will hold the objects.

    Raises:
        FileNotFoundError: The template names a path that does not exist.
    """
    template = read_template(template_path)
    result = Package(template)

    def store(body: bytes, suffix: str, prefix: str = "s3://") -> str:
        key = hashlib.sha256(body).hexdigest() + suffix
        result.objects[key] = body
        return f"{prefix}{bucket}/{key}"

    for resource in template.get("Resources", {}).values():
        pack = _PACKED.get(resource["Type"])
        if pack is None:
            continue
        properties = resource["Properties"]
        named, read, suffix = pack
        if _is_local(properties.get(named)):
            path = template_path.parent / properties[named]
            if not path.exists():
                raise FileNotFoundError(f"{template_path.name}: {named} names {properties[named]}, which is missing")
            properties[named] = store(read(path), suffix, _PREFIXES.get(resource["Type"], "s3://"))
    for include in _includes(template):
        location = include["Location"]
        if _is_local(location):
            include["Location"] = store((template_path.parent / location).read_bytes(), Path(location).suffix)
    return result


def zip_folder(folder: Path, prefix: str = "") -> bytes:
    """Zips a folder of Python code, without compressing it; the same files give the same bytes.

    The local AWS unpacks the zip for every process of a function. It holds the compiled form too, marked as never to
    be checked against its source. An unpacked zip has new file times, so ordinary ``.pyc`` files would be compiled
    again at every cold start.

    Args:
        folder: The folder to zip.
        prefix: Is put before every name in the zip, for example ``python/``.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if not path.is_file() or _LEFT_OUT.intersection(relative.parts):
                continue
            _add(archive, f"{prefix}{relative.as_posix()}", path.read_bytes())
            if path.suffix == ".py":
                cached = relative.parent / "__pycache__" / f"{path.stem}.{sys.implementation.cache_tag}.pyc"
                _add(archive, f"{prefix}{cached.as_posix()}", _compiled(path, relative))
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, body: bytes) -> None:
    entry = zipfile.ZipInfo(name, _ZIP_TIME)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, body, zipfile.ZIP_STORED)


def _compiled(path: Path, shown_as: Path) -> bytes:
    """The ``.pyc`` file of a module, as ``py_compile`` writes it with ``UNCHECKED_HASH`` (PEP 552)."""
    source = path.read_bytes()
    code = compile(source, shown_as.as_posix(), "exec", dont_inherit=True)
    header = importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source)
    return header + marshal.dumps(code)


def _zip_layer(folder: Path) -> bytes:
    # The virtualenv of the functions holds the libraries of requirements.txt.
    return zip_folder(folder, "python/")


def _template_as_json(path: Path) -> bytes:
    # CloudFormation knows no YAML aliases, so they are written out.
    return json.dumps(read_template(path), default=str).encode()


_PACKED: dict[str, tuple[str, Callable[[Path], bytes], str]] = {
    "AWS::Serverless::Function": ("CodeUri", zip_folder, ".zip"),
    "AWS::Serverless::LayerVersion": ("ContentUri", _zip_layer, ".zip"),
    "AWS::Serverless::StateMachine": ("DefinitionUri", Path.read_bytes, ".asl.json"),
    "AWS::Serverless::Api": ("DefinitionUri", Path.read_bytes, ".yaml"),
    "AWS::CloudFormation::Stack": ("TemplateURL", _template_as_json, ".template.json"),
}
_PREFIXES = {"AWS::CloudFormation::Stack": "https://s3.amazonaws.com/"}
"""CloudFormation reads nested templates from HTTPS addresses alone."""


def _is_local(location: object) -> bool:
    return isinstance(location, str) and not location.startswith(("s3://", "http://", "https://"))


def _includes(node: object) -> Iterator[dict[str, Any]]:
    """The parameters of every ``AWS::Include`` in the template."""
    if isinstance(node, dict):
        transform = node.get("Fn::Transform")
        if isinstance(transform, dict) and transform.get("Name") == "AWS::Include":
            yield transform["Parameters"]
        for value in node.values():
            yield from _includes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _includes(value)
