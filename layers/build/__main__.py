"""The command line: ``python3.13 -m layers.build layer|function FROM TO``; the Makefile beside it calls it for SAM."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from layers.build import documentation, unused
from layers.build.aws_data import trim
from layers.build.bytecode import compile_all
from layers.build.roots import hash_roots, pick_roots
from layers.build.wheels import PLATFORMS, install

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "requirements.txt", "Makefile")


def main() -> None:
    """Builds one artefact."""
    parser = argparse.ArgumentParser(prog="python -m layers.build", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, build in (("layer", build_layer), ("function", build_function)):
        command = kinds.add_parser(kind, help=(build.__doc__ or "").splitlines()[0])
        command.add_argument("source", type=Path, help="the folder it is made of")
        command.add_argument("target", type=Path, help="the folder it is put into")
        command.set_defaults(build=build)
        command.add_argument("--architecture", choices=PLATFORMS, default="arm64", help="of the Lambda functions")
    arguments = vars(parser.parse_args())
    del arguments["kind"]
    arguments.pop("build")(**arguments)


def build_layer(source: Path, target: Path, architecture: str) -> None:
    """The domain and its libraries, below ``python/`` if SAM has not made that folder itself."""
    library = target if target.name == "python" else target / "python"
    install(source / "requirements.txt", library, architecture)
    shutil.copytree(source, library, dirs_exist_ok=True, ignore=_LEFT_OUT)
    trim(library, source / "kiln")
    documentation.leave_out(library)
    unused.leave_out(library)
    pick_roots(library / "certifi/cacert.pem", library / "kiln/amazon_roots.pem")
    hash_roots(library / "certifi/cacert.pem", library / "kiln/public_roots")
    compile_all(library)


def build_function(source: Path, target: Path, architecture: str) -> None:
    """One function's own files, and the libraries that it alone has."""
    if (source / "requirements.txt").exists():
        install(source / "requirements.txt", target, architecture)
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=_LEFT_OUT)
    compile_all(target)


if __name__ == "__main__":
    main()
