"""Which installation is operated, and what it says when it does not do what is asked for."""

from __future__ import annotations

import json
import sys

import pytest
from botocore.exceptions import EndpointConnectionError

from kiln_cli.failures import NOT_REACHABLE, CommandFailed
from kiln_cli.installation import OperationRefused, find_installation
from kiln_cli.operating.command import told

HERE = {
    "stack_name": "kiln",
    "region": "us-east-1",
    "aws_endpoint_url": "http://127.0.0.1:9",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


@pytest.fixture
def folder(tmp_path):
    """A folder inside one that a local stack was started in."""
    (tmp_path / ".kiln").mkdir()
    (tmp_path / ".kiln" / "stack.json").write_text(json.dumps(HERE))
    inside = tmp_path / "pictures"
    inside.mkdir()
    return inside


def test_a_stack_that_is_named_comes_first(folder):
    assert find_installation("prod", environment={"KILN_STACK": "staging"}, folder=folder).name == "prod"
    found = find_installation(None, "eu-west-1", environment={"KILN_STACK": "staging"}, folder=folder)
    assert (found.name, found.region, found.is_local) == ("staging", "eu-west-1", False)


def test_its_region_is_the_one_that_the_aws_cli_goes_by(folder):
    environment = {"KILN_STACK": "staging", "AWS_REGION": "eu-central-1"}
    assert find_installation(environment=environment, folder=folder).region == "eu-central-1"
    assert find_installation(None, "eu-west-1", environment=environment, folder=folder).region == "eu-west-1"


def test_otherwise_it_is_the_local_one(folder):
    found = find_installation(environment={}, folder=folder)
    assert (found.name, found.is_local) == ("kiln", True)
    assert found.client("lambda").meta.endpoint_url == HERE["aws_endpoint_url"]
    assert found.client("lambda") is found.client("lambda")


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_a_description_that_is_none_is_told(folder, content):
    (folder.parent / ".kiln" / "stack.json").write_text(content)
    with pytest.raises(CommandFailed, match=r"stack\.json"):
        find_installation(environment={}, folder=folder)


def test_none_is_told(tmp_path):
    with pytest.raises(CommandFailed, match="KILN_STACK") as failed:
        find_installation(environment={}, folder=tmp_path)
    assert failed.value.status == 3


def test_no_region_is_told(monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(CommandFailed, match="region") as failed:
        find_installation("prod", environment={})
    assert failed.value.status == 2


def test_without_boto3_it_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(CommandFailed, match=r"kiln-client\[aws\]"):
        find_installation("prod", environment={})


def test_a_stack_that_is_not_kilns_is_told(installation):
    with pytest.raises(CommandFailed, match="no output Nonsense"):
        installation.output("Nonsense")


def test_what_the_function_refuses_or_breaks_at_is_told(installation, operate):
    operate.will("status", refusal="No.")
    with pytest.raises(OperationRefused, match=r"^No\.$"):
        installation.operate("status")
    operate.answers["status"] = [{"errorMessage": "out of memory"}]
    with pytest.raises(CommandFailed, match="out of memory"):
        installation.operate("status")


@pytest.mark.parametrize(
    ("endpoint", "hint"),
    [("http://127.0.0.1:9/", "; is it running? make run starts the local stack"), ("https://x", "")],
)
def test_a_local_stack_that_is_down_can_be_started(endpoint, hint):
    failed = told(EndpointConnectionError(endpoint_url=endpoint))
    assert failed.status == NOT_REACHABLE
    assert str(failed) == f'AWS: Could not connect to the endpoint URL: "{endpoint}"{hint}'


def test_what_aws_refuses_is_one_line(kiln, installation):
    installation.outputs["CallersSecretArn"] = "arn:aws:secretsmanager:us-east-1:123456789012:secret:gone"
    refused = kiln("callers", "list")
    assert refused.status == 1
    assert refused.err.startswith("kiln: GetSecretValue: ")
    assert refused.err.count("\n") == 1
