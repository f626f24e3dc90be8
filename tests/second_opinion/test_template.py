"""The expanded template, read by cfn-lint and checkov. Each deliberate exception has its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.second_opinion.tools import assert_agrees, python_tool, run
from tests.support.account import template
from tests.support.nested import monitoring
from tests.support.transformed import transformed

SECTIONS = ("AWSTemplateFormatVersion", "Description", "Parameters", "Mappings", "Conditions", "Outputs")

LINT_EXCEPTIONS = {
    "W2001": "SAM has used DeploymentPreference by then",
    "W3002": "the nested template is packaged by sam deploy",
    "W7001": "SAM has used the mapping Shifting by then",
    "W8001": "without gradual deployments no resource uses MonitorsFully",
}

ACCEPTED = {
    "CKV_AWS_18": "access logs of buckets cost more than they tell; CloudTrail can record data events",
    "CKV_AWS_21": "inputs expire, and an image of the outbox is written once and never changed",
    "CKV_AWS_27": "SqsManagedSseEnabled encrypts the queues; the check knows only KMS keys",
    "CKV_AWS_76": "AccessLog switches the API's log on; it needs a role in the account",
    "CKV_AWS_115": "ProviderSlots and MaximumConcurrency bound the work; a reserve would starve other functions",
    "CKV_AWS_116": "the callers of the functions have the dead-letter queues: queue, rule and stream",
    "CKV_AWS_117": "the functions call AWS and the internet only; a VPC would need a NAT gateway",
    "CKV_AWS_119": "the default encryption is free; a customer's key adds no protection here",
    "CKV_AWS_120": "answers are personal and change; none may be cached",
    "CKV_AWS_149": "as for the table",
    "CKV_AWS_158": "as for the table; the logs hold no prompt and no key",
    "CKV_AWS_173": "the environment holds names and no secret",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The templates as CloudFormation gets them."""
    written = template()
    document: dict[str, Any] = {name: written[name] for name in SECTIONS if name in written}
    document["Resources"] = transformed()
    # SAM's plugin for references to aliases runs in its command line alone.
    aliases = {
        name: f"{name}Aliaslive" for name in document["Resources"] if f"{name}Aliaslive" in document["Resources"]
    }
    text = json.dumps(document, default=str)
    for name, alias in aliases.items():
        text = text.replace(json.dumps({"Ref": f"{name}.Alias"}), json.dumps({"Ref": alias}))
    folder = tmp_path_factory.mktemp("templates")
    (folder / "template.json").write_text(text, "utf-8")
    (folder / "monitoring.json").write_text(json.dumps(monitoring(), default=str), "utf-8")
    return sorted(folder.glob("*.json"))


def test_cfn_lint_finds_nothing(files: list[Path]) -> None:
    assert_agrees(python_tool("cfn-lint"), "--ignore-checks", ",".join(LINT_EXCEPTIONS), "--", *files)


def test_checkov_finds_only_what_is_accepted(files: list[Path]) -> None:
    command = [python_tool("checkov"), "--framework", "cloudformation", "--compact", "--quiet", "-o", "json"]
    done = run(*command, *(part for file in files for part in ("-f", file)))
    found = json.loads(done.stdout)
    failed = [(each["check_id"], each["resource"]) for each in found["results"]["failed_checks"]]
    assert [each for each in failed if each[0] not in ACCEPTED] == []
    # An exception without a finding is out of date.
    assert set(ACCEPTED) - {check for check, _ in failed} == set()
