"""Every module below can be the first that is imported, and none drags in what a cold start should not pay for."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.support.account import ROOT

LAYER = ROOT / "layers/kiln"

EACH_FIRST = """
import importlib, json, sys
failed = {}
for name in json.loads(sys.argv[1]):
    for known in [each for each in sys.modules if each.partition(".")[0] == "kiln"]:
        del sys.modules[known]
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed[name] = str(error)
print(json.dumps(failed))
"""

LIGHT = """
import json, sys
import kiln.contract, kiln.images.inspection
print(json.dumps(sorted({"boto3", "httpx", "urllib3", "jwt"} & set(sys.modules))))
"""


def run(script: str, *arguments: str) -> object:
    environment = {**os.environ, "PYTHONPATH": str(LAYER)}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def modules() -> list[str]:
    """The modules that others build on; those above them import these first anyway."""
    files = [
        file for package in ("auth", "contract", "images", "tasks") for file in (LAYER / "kiln" / package).glob("*.py")
    ]
    names = [".".join(file.relative_to(LAYER).with_suffix("").parts) for file in sorted(files)]
    return [name.removesuffix(".__init__") for name in names]


def test_every_shared_module_can_be_imported_first():
    names = modules()
    assert len(names) > 15
    assert run(EACH_FIRST, json.dumps(names)) == {}


def test_contract_imports_no_client():
    assert run(LIGHT) == []
