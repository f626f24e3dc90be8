"""The TypeScript example of docs/api.md: types are made, it compiles unchanged, and it runs against a stack."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Options, Stack
from tests.second_opinion.tools import NODE, ROOT, assert_agrees, node_tool

OPTIONS = {
    "strict": True,
    "module": "nodenext",
    "target": "esnext",
    "types": ["node"],
    "skipLibCheck": True,
    "rewriteRelativeImportExtensions": True,
    "noEmitOnError": True,
}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example beside the types that it imports, in a folder with the packages."""
    (tmp_path / "node_modules").symlink_to(NODE)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS}))
    assert_agrees(node_tool("openapi-typescript"), ROOT / "docs/openapi.json", "-o", tmp_path / "kiln.ts")
    [code] = re.findall(r"^```ts\n(.*?)^```", (ROOT / "docs/api.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    file = tmp_path / "example.ts"
    file.write_text(code)
    return file


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A local stack with fast tasks."""
    with Stack(Options(tmp_path / ".kiln", provider_arguments=["--task-seconds", "0.5"])) as running:
        yield running.description


def test_example_compiles_unchanged_and_prints_the_generated_image(example: Path, stack: dict[str, str]) -> None:
    assert_agrees(node_tool("tsc"), "--project", example.parent)
    done = subprocess.run(
        [shutil.which("node") or "node", str(example.with_suffix(".js"))],
        cwd=ROOT,
        env={**os.environ, "KILN_URL": stack["api_url"], "KILN_KEY": stack["api_key"]},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [link] = done.stdout.split()
    assert link.startswith(f"{stack['api_url']}/v1/results/")
