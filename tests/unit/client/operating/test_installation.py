"""Which installation a command operates, and its refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from kiln_cli.failures import NOT_REACHABLE, CommandFailed
from kiln_cli.operating.installation import Installation, find_installation
from kiln_cli.operating.operations import OperationRefused
from kiln_cli.operating.operations import operate as run_operation
from kiln_cli.operating.session import aws_failure
from kiln_client import NotConfigured
from tests.unit.client.operating.conftest import Operate, Run

HERE = {
    "stack_name": "kiln",
    "region": "us-east-1",
    "aws_endpoint_url": "http://127.0.0.1:9",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder inside the folder of a local stack."""
    (tmp_path / ".kiln").mkdir()
    (tmp_path / ".kiln" / "stack.json").write_text(json.dumps(HERE))
    inside = tmp_path / "pictures"
    inside.mkdir()
    return inside


def test_named_stack_comes_before_the_local_one(folder: Path) -> None:
    assert find_installation("prod", environment={"KILN_STACK": "staging"}, folder=folder).name == "prod"
    found = find_installation(None, "eu-west-1", environment={"KILN_STACK": "staging"}, folder=folder)
    assert (found.name, found.region, found.is_local) == ("staging", "eu-west-1", False)


def test_region_is_found_as_by_the_aws_cli(folder: Path) -> None:
    environment = {"KILN_STACK": "staging", "AWS_REGION": "eu-central-1"}
    assert find_installation(environment=environment, folder=folder).region == "eu-central-1"
    assert find_installation(None, "eu-west-1", environment=environment, folder=folder).region == "eu-west-1"


def test_without_a_name_the_local_stack_is_found(folder: Path) -> None:
    found = find_installation(environment={}, folder=folder)
    assert (found.name, found.is_local) == ("kiln", True)
    assert found.client("lambda").meta.endpoint_url == HERE["aws_endpoint_url"]
    assert found.client("lambda") is found.client("lambda")


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_malformed_description_is_refused(folder: Path, content: str) -> None:
    (folder.parent / ".kiln" / "stack.json").write_text(content)
    with pytest.raises((CommandFailed, NotConfigured), match=r"stack\.json"):
        find_installation(environment={}, folder=folder)


def test_missing_installation_exits_3(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"no running local stack in .*go to its folder.*KILN_STACK") as failed:
        find_installation(environment={}, folder=tmp_path)
    assert failed.value.status == 3


def test_missing_region_exits_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(CommandFailed, match="--region, AWS_REGION or AWS_DEFAULT_REGION") as failed:
        find_installation("prod", environment={})
    assert failed.value.status == 2


def test_missing_stack_exits_3_and_names_the_region(kiln: Run, installation: Installation) -> None:
    del installation.outputs
    client = installation.client("cloudformation")
    with Stubber(client) as answers:
        answers.add_client_error("describe_stacks", "ValidationError", "Stack with id kiln does not exist")
        missing = kiln("doctor")
    assert (missing.status, missing.err) == (3, "kiln: no stack kiln in us-east-1; check --stack and --region\n")


def test_missing_boto3_prints_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(CommandFailed, match=r"kiln-client\[aws\]"):
        find_installation("prod", environment={})


def test_missing_output_is_refused(installation: Installation) -> None:
    with pytest.raises(CommandFailed, match="no output Nonsense"):
        installation.output("Nonsense")


def test_refusal_and_failure_of_the_function_are_raised(installation: Installation, operate: Operate) -> None:
    operate.will("status", refusal="No.")
    with pytest.raises(OperationRefused, match=r"^No\.$"):
        run_operation(installation, "status")
    operate.answers["status"] = [{"errorMessage": "out of memory"}]
    with pytest.raises(CommandFailed, match="out of memory"):
        run_operation(installation, "status")


@pytest.mark.parametrize(
    ("endpoint", "hint"),
    [("http://127.0.0.1:9/", "; the local stack isn't running; start it with make up"), ("https://x", "")],
)
def test_unreachable_local_stack_prints_how_to_start_it(endpoint: str, hint: str) -> None:
    failed = aws_failure(EndpointConnectionError(endpoint_url=endpoint))
    assert failed is not None
    assert failed.status == NOT_REACHABLE
    assert str(failed) == f'AWS: Could not connect to the endpoint URL: "{endpoint}"{hint}'


def test_aws_error_prints_one_line(kiln: Run, installation: Installation) -> None:
    installation.outputs["CallersSecretArn"] = "arn:aws:secretsmanager:us-east-1:123456789012:secret:gone"
    refused = kiln("callers", "list")
    assert refused.status == 1
    assert refused.err.startswith("kiln: GetSecretValue: ")
    assert refused.err.count("\n") == 1
