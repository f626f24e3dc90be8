"""What is in the build: small enough, for the right machine, compiled for good, no more of AWS than is used."""

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


def test_the_layer_is_small(library):
    size = sum(file.stat().st_size for file in library.rglob("*") if file.is_file())
    assert size < LARGEST_LAYER_BYTES


def test_what_is_compiled_to_machine_code_is_for_the_functions_machine(library):
    machines = {file.name: int.from_bytes(file.read_bytes()[18:20], "little") for file in library.rglob("*.so")}
    assert any(name.startswith("_pydantic_core") for name in machines)
    assert set(machines.values()) == {AARCH64}


def test_every_source_comes_with_bytecode_that_no_unpacking_makes_stale(deployable, python):
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


def test_every_function_of_the_template_is_built_and_tried(deployable):
    template = yaml_parse((ROOT / "template.yaml").read_text("utf-8"))["Resources"]
    functions = {name for name, each in template.items() if each["Type"] == "AWS::Serverless::Function"}
    assert {file.parent.name for file in deployable.glob("*/app.py")} == functions
    assert {start.folder for start in STARTS} == functions


def test_aws_is_described_as_far_as_it_is_used(library):
    described = library / "botocore/data"
    services = {path.name for path in described.iterdir() if path.is_dir()}
    assert services == {"dynamodb", "events", "s3", "secretsmanager", "sqs", "stepfunctions"}
    (model,) = described.glob("dynamodb/*/service-2.json")
    operations = json.loads(model.read_text("utf-8"))["operations"]
    assert {"GetItem", "PutItem", "UpdateItem", "TransactWriteItems", "Query"} <= operations.keys()
    assert "CreateTable" not in operations


def test_clients_of_aws_trust_amazons_roots_and_no_others(native, python):
    variables = {"PYTHONPATH": str(native / "KilnLayer/python"), "AWS_DEFAULT_REGION": "eu-central-1"}
    script = (
        "import ssl; from kiln import aws; "
        "bundle = aws._trusted(); context = ssl.create_default_context(cafile=bundle); "
        "print(sorted(dict(part[0] for part in each['subject'])['commonName'] for each in context.get_ca_certs()))"
    )
    told = subprocess.check_output([python, "-S", "-s", "-B", "-c", script], env=variables, text=True)
    assert told.count("Amazon Root CA") == 4
    assert told.count("Starfield Services Root Certificate Authority - G2") == 1
