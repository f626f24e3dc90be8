"""Packaging and deploying the template: what is uploaded, what CloudFormation is asked for, how it may fail."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.stub import ANY, Stubber

from local.clients import AwsClients
from local.deploy import ARTIFACTS_BUCKET, DeployError, UnknownParameterError, deploy
from local.packaging import package, zip_folder

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  PublicUrl: {Type: String}
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/kiln}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/hello
      Handler: app.handler
      Environment: {Variables: {URL: !Ref PublicUrl}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: functions/workflow/task.asl.json
      DefinitionSubstitutions: {HelloArn: !GetAtt Hello.Arn}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      DefinitionBody:
        Fn::Transform: {Name: AWS::Include, Parameters: {Location: openapi.yaml}}
  Elsewhere:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: s3://other/code.zip, Handler: app.handler}
  Bucket:
    Type: AWS::S3::Bucket
  Nested:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: nested.yaml}
"""

NESTED = """
Resources:
  First: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmActions: &actions [!Ref Topic]}}
  Second: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmActions: *actions}}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    files = {
        "template.yaml": TEMPLATE,
        "functions/hello/app.py": "import kiln\n\n\ndef handler(event, context):\n    return kiln.ANSWER\n",
        "functions/hello/__pycache__/app.cpython-300.pyc": "stale",
        "functions/workflow/task.asl.json": '{"StartAt": "Only"}',
        "layers/kiln/kiln/__init__.py": "ANSWER = 42\n",
        "layers/kiln/requirements.txt": "httpx==1\n",
        "openapi.yaml": "openapi: 3.0.1\n",
        "nested.yaml": NESTED,
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "template.yaml"


def names(body: bytes) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return set(archive.namelist())


def stored(packaged: Any, address: str) -> bytes:
    assert address.startswith("s3://bucket/")
    return packaged.objects[address.removeprefix("s3://bucket/")]


def test_local_paths_become_objects(template: Path) -> None:
    packaged = package(template, "bucket")
    resources = packaged.template["Resources"]
    tag = sys.implementation.cache_tag

    code = stored(packaged, resources["Hello"]["Properties"]["CodeUri"])
    layer = stored(packaged, resources["Layer"]["Properties"]["ContentUri"])
    definition = stored(packaged, resources["Machine"]["Properties"]["DefinitionUri"])
    include = resources["Api"]["Properties"]["DefinitionBody"]["Fn::Transform"]["Parameters"]["Location"]

    assert names(code) == {"app.py", f"__pycache__/app.{tag}.pyc"}
    assert names(layer) == {"python/kiln/__init__.py", f"python/kiln/__pycache__/__init__.{tag}.pyc"}
    assert json.loads(definition) == {"StartAt": "Only"}
    assert stored(packaged, include) == b"openapi: 3.0.1\n"
    assert resources["Elsewhere"]["Properties"]["CodeUri"] == "s3://other/code.zip"
    assert len(packaged.objects) == 5


def test_nested_template_is_read_over_https_and_has_no_yaml_aliases(template: Path) -> None:
    packaged = package(template, "bucket")
    address = packaged.template["Resources"]["Nested"]["Properties"]["TemplateURL"]
    assert address.startswith("https://s3.amazonaws.com/bucket/")
    nested = json.loads(packaged.objects[address.removeprefix("https://s3.amazonaws.com/bucket/")])
    for name in ("First", "Second"):
        assert nested["Resources"][name]["Properties"]["AlarmActions"] == [{"Ref": "Topic"}]


def test_packaging_does_not_change_the_template(template: Path) -> None:
    before = template.read_bytes()
    packaged = package(template, "bucket")
    assert template.read_bytes() == before
    assert packaged.template["Resources"]["Hello"]["Properties"]["Environment"]["Variables"]["URL"] == {
        "Ref": "PublicUrl"
    }
    assert packaged.template["Resources"]["Machine"]["Properties"]["DefinitionSubstitutions"]["HelloArn"] == {
        "Fn::GetAtt": ["Hello", "Arn"]
    }


def test_missing_path_is_named(template: Path) -> None:
    (template.parent / "functions/workflow/task.asl.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"DefinitionUri names functions/workflow/task\.asl\.json"):
        package(template, "bucket")


def test_same_files_make_the_same_zip(template: Path) -> None:
    folder = template.parent / "functions/hello"
    first = zip_folder(folder)
    (folder / "app.py").touch()
    assert zip_folder(folder) == first
    (folder / "app.py").write_text("changed = True\n")
    assert zip_folder(folder) != first


def test_compiled_code_is_used_whatever_the_file_times(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where compiled code is kept apart from its source, none beside it would be looked for.
    monkeypatch.setattr(sys, "pycache_prefix", None)
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(io.BytesIO(zip_folder(template.parent / "layers/kiln/kiln"))) as archive:
        archive.extractall(unpacked)
    # Only the compiled form still knows the answer: were the source looked at, this would show.
    (unpacked / "__init__.py").write_text("ANSWER = 0\n")
    spec = importlib.util.spec_from_file_location("unpacked_kiln", unpacked / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.ANSWER == 42


@pytest.fixture
def clients() -> AwsClients:
    made = AwsClients("http://127.0.0.1:1")
    made.s3 = Mock()
    return made


def answer_with(clients: AwsClients, status: str, **more: Any) -> Stubber:
    stubber = Stubber(clients.cloudformation)
    expected = {
        "StackName": "kiln",
        "TemplateURL": f"http://127.0.0.1:1/{ARTIFACTS_BUCKET}/kiln.template.json",
        "Parameters": [{"ParameterKey": "PublicUrl", "ParameterValue": "http://here"}],
        "Capabilities": ANY,
    }
    stubber.add_response("create_stack", {"StackId": "id"}, expected)
    stack = {"StackName": "kiln", "CreationTime": "2026-01-01T00:00:00Z"}
    for each in ("CREATE_IN_PROGRESS", status):
        stubber.add_response("describe_stacks", {"Stacks": [{**stack, "StackStatus": each, **more}]})
    stubber.activate()
    return stubber


def test_deployment_sends_declared_defaults_and_returns_the_outputs(template: Path, clients: AwsClients) -> None:
    outputs = [{"OutputKey": "ApiId", "OutputValue": "abc"}]
    answer_with(clients, "CREATE_COMPLETE", Outputs=outputs)
    defaults = {"PublicUrl": "http://default", "NotThere": "1"}
    assert deploy(clients, template, "kiln", defaults=defaults, overrides={"PublicUrl": "http://here"}) == {
        "ApiId": "abc"
    }
    uploaded = [call.kwargs["Key"] for call in clients.s3.put_object.call_args_list]  # type: ignore[attr-defined]
    assert len(uploaded) == 6
    assert uploaded[-1] == "kiln.template.json"


def test_failed_stack_names_the_resource_and_the_reason(template: Path, clients: AwsClients) -> None:
    stubber = answer_with(clients, "ROLLBACK_COMPLETE")
    event = {
        "StackId": "id",
        "EventId": "1",
        "StackName": "kiln",
        "Timestamp": "2026-01-01T00:00:00Z",
        "LogicalResourceId": "Hello",
        "ResourceType": "AWS::Lambda::Function",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": "no such handler",
    }
    fine = {**event, "LogicalResourceId": "Bucket", "ResourceStatus": "CREATE_COMPLETE"}
    stubber.add_response("describe_stack_events", {"StackEvents": [event, fine]})
    with pytest.raises(DeployError, match=r"Hello \(AWS::Lambda::Function\): no such handler") as caught:
        deploy(clients, template, "kiln", defaults={"PublicUrl": "http://here"})
    assert "ROLLBACK_COMPLETE" in str(caught.value)
    assert "Bucket" not in str(caught.value)


def test_unknown_override_is_refused_before_any_upload(template: Path, clients: AwsClients) -> None:
    with pytest.raises(UnknownParameterError, match="no parameter Missing"):
        deploy(clients, template, "kiln", defaults={}, overrides={"Missing": "1"})
    clients.s3.put_object.assert_not_called()  # type: ignore[attr-defined]
