"""``python -m kiln.documents FOLDER [--check]``: writes the documents, or fails if those in the folder are others."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from kiln.documents.asyncapi import asyncapi, schemas
from kiln.documents.openapi import openapi


def texts() -> dict[str, str]:
    """Every document by its path within the folder."""
    documents = {"openapi.json": openapi(), "asyncapi.json": asyncapi()}
    documents |= {f"schemas/{name}": schema for name, schema in schemas().items()}
    return {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in documents.items()}


def main() -> int:
    """Writes or checks; 1 if a document has changed and was not accepted by writing it."""
    parser = argparse.ArgumentParser(prog="python -m kiln.documents", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    changed = []
    for name, text in texts().items():
        path = arguments.folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        changed.append(name)
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if arguments.check and changed:
        sys.stderr.write(f"{', '.join(changed)}: not what the models say; if that is meant, run 'make docs'\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
