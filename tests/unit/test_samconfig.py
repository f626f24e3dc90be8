"""The settings of each environment: what they set is a parameter of the template, with a value that it allows."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.support.account import ROOT, template

PARAMETERS: dict[str, dict[str, Any]] = template()["Parameters"]
CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
ENVIRONMENTS = ("dev", "staging", "production")


def _overrides(environment: str) -> dict[str, str]:
    listed = CONFIG[environment]["deploy"]["parameters"]["parameter_overrides"]
    return {name: value for name, _, value in (each.partition("=") for each in listed)}


def _is_allowed(parameter: dict[str, Any], value: str) -> bool:
    if "AllowedValues" in parameter:
        return value in [str(each) for each in parameter["AllowedValues"]]
    if parameter["Type"] == "Number":
        return float(parameter.get("MinValue", 0)) <= float(value) <= float(parameter.get("MaxValue", "inf"))
    if len(value) > parameter.get("MaxLength", len(value)):
        return False
    return re.search(parameter.get("AllowedPattern", ""), value) is not None


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_environment_sets_only_parameters_and_values_of_the_template(environment: str) -> None:
    for name, value in _overrides(environment).items():
        assert name in PARAMETERS
        assert _is_allowed(PARAMETERS[name], value), f"{name}={value}"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_environment_is_a_separate_stack(environment: str) -> None:
    assert CONFIG[environment]["global"]["parameters"]["stack_name"] == f"kiln-{environment}"
    assert f"environment={environment}" in CONFIG[environment]["deploy"]["parameters"]["tags"]


def test_default_environment_and_documented_commands_name_no_stack() -> None:
    """A command pasted at night without ``--config-env`` would make an installation beside the one that is broken."""
    assert "stack_name" not in CONFIG["default"].get("global", {}).get("parameters", {})
    for page in (ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").glob("*.md")):
        for line in page.read_text(encoding="utf-8").splitlines():
            commands = re.findall(r"sam deploy --[^`#]*", line)
            assert all("--config-env" in each or "--guided" in each for each in commands), f"{page.name}: {line}"


def test_images_are_kept_as_long_as_their_links_are_valid() -> None:
    for environment in ENVIRONMENTS:
        values = {name: str(each["Default"]) for name, each in PARAMETERS.items()} | _overrides(environment)
        kept = int(values["ResultRetentionDays"])
        assert kept == 0 or kept >= int(values["TaskRetentionDays"]), environment


def test_every_parameter_has_a_description_a_valid_default_and_one_group() -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(PARAMETERS)
    for name, parameter in PARAMETERS.items():
        assert parameter["Description"], name
        assert _is_allowed(parameter, str(parameter["Default"])), name


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_is_bounded(name: str) -> None:
    parameter = PARAMETERS[name]
    if "AllowedValues" in parameter:
        return
    if parameter["Type"] == "Number":
        assert parameter["MinValue"] < parameter["MaxValue"]
    elif parameter["Type"] == "String":
        assert 0 < parameter["MaxLength"] <= 400
    else:
        # CloudFormation applies MaxLength to no list, but the pattern to each of its values.
        assert re.search(r"\{1,\d+\}\$$", parameter["AllowedPattern"])
