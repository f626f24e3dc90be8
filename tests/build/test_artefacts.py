"""The build is small, fits its machine, is compiled, and holds only the used parts of AWS's descriptions."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from samtranslator.yaml_helper import yaml_parse

from benchmarks.measuring.cold_start.functions import STARTS
from local.children import ROOT

LARGEST_LAYER_BYTES = 30_000_000
AARCH64 = 183
UNCHECKED_HASH = 0b01
"""The flags of a .pyc that is never compared with its source (PEP 552)."""


@pytest.fixture(scope="module")
def library(deployable: Path) -> Path:
    return deployable / "KilnLayer/python"


def test_layer_is_within_its_size_limit(library):
    size = sum(file.stat().st_size for file in library.rglob("*") if file.is_file())
    assert size < LARGEST_LAYER_BYTES


def test_native_code_is_for_the_functions_architecture(library):
    machines = {file.name: int.from_bytes(file.read_bytes()[18:20], "little") for file in library.rglob("*.so")}
    assert any(name.startswith("_pydantic_core") for name in machines)
    assert set(machines.values()) == {AARCH64}


def test_every_source_has_bytecode_independent_of_file_times(deployable, python):
    magic = bytes.fromhex(
        subprocess.check_output([python, "-c", "import importlib.util as u; print(u.MAGIC_NUMBER.hex())"], text=True)
    )
    sources = [file for file in deployable.rglob("*.py") if "__pycache__" not in file.parts]
    assert len(sources) > 500
    wrong = []
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        header = compiled.read_bytes()[:8] if compiled.exists() else b""
        if header != magic + UNCHECKED_HASH.to_bytes(4, "little"):
            wrong.append(str(source.relative_to(deployable)))
    assert wrong == []


def test_every_function_of_the_template_is_built_and_invoked(deployable):
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))["Resources"]
    functions = {name for name, each in template.items() if each["Type"] == "AWS::Serverless::Function"}
    assert {file.parent.name for file in deployable.glob("*/app.py")} == functions
    assert {start.folder for start in STARTS} == functions


def test_layer_has_only_the_botocore_data_of_used_services(library):
    described = library / "botocore/data"
    services = {path.name for path in described.iterdir() if path.is_dir()}
    assert services == {"dynamodb", "events", "s3", "secretsmanager", "sqs", "stepfunctions"}
    (model,) = described.glob("dynamodb/*/service-2.json")
    operations = json.loads(model.read_text("utf-8"))["operations"]
    assert {"GetItem", "PutItem", "UpdateItem", "TransactWriteItems", "Query"} <= operations.keys()
    assert "CreateTable" not in operations


def test_aws_clients_trust_amazons_roots_only(native, python):
    variables = {"PYTHONPATH": str(native / "KilnLayer/python"), "AWS_DEFAULT_REGION": "eu-central-1"}
    script = (
        "import ssl; from kiln import aws; "
        "bundle = aws._trusted(); context = ssl.create_default_context(cafile=bundle); "
        "print(sorted(dict(part[0] for part in each['subject'])['commonName'] for each in context.get_ca_certs()))"
    )
    printed = subprocess.check_output([python, "-S", "-s", "-B", "-c", script], env=variables, text=True)
    assert printed.count("Amazon Root CA") == 4
    assert printed.count("Starfield Services Root Certificate Authority - G2") == 1
