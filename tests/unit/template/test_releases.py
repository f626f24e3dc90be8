"""How a release takes over: versions that notice every change, aliases that everybody calls, CodeDeploy when chosen."""

from __future__ import annotations

import json
import re
from graphlib import TopologicalSorter
from typing import Any

import pytest

from tests.support.account import ROOT, template
from tests.support.nested import monitoring
from tests.support.transformed import expanded, named_in, of_type, transformed

FUNCTIONS = [name for name, each in template()["Resources"].items() if each["Type"] == "AWS::Serverless::Function"]
GRADUAL = [each for each in template()["Parameters"]["DeploymentPreference"]["AllowedValues"] if each != "AllAtOnce"]
MOST_CHARACTERS = 256
"""Of a version's description (Lambda)."""


def versions(resources: dict[str, Any]) -> set[str]:
    return set(of_type(resources, "AWS::Lambda::Version"))


def parameters_of(node: Any) -> set[str]:
    """The parameters that a part of the template depends on, through conditions too."""
    conditions, parameters = template()["Conditions"], template()["Parameters"]
    names = set(named_in(node))
    for name in names & set(conditions):
        names |= parameters_of(conditions[name])
    return names & set(parameters)


def test_every_function_is_called_by_its_alias():
    resources = expanded()
    assert len(versions(resources)) == len(FUNCTIONS)
    assert {alias["Properties"]["Name"] for alias in of_type(resources, "AWS::Lambda::Alias").values()} == {"live"}
    for trigger in of_type(resources, "AWS::Lambda::EventSourceMapping").values():
        assert trigger["Properties"]["FunctionName"]["Ref"].endswith("Aliaslive")
    for machine in ("TaskWorkflow", "NotificationWorkflow"):
        called = template()["Resources"][machine]["Properties"]["DefinitionSubstitutions"]
        for name, reference in called.items():
            if name.endswith("Function"):
                assert reference == {"Ref": f"{name}.Alias"}


@pytest.mark.parametrize("machine", ["TaskWorkflow", "NotificationWorkflow"])
def test_executions_of_a_release_without_aliases_can_finish(machine):
    properties = template()["Resources"][machine]["Properties"]
    allowed = json.dumps(properties["Policies"])
    called = re.findall(r"\$\{(\w+Function)\}", (ROOT / properties["DefinitionUri"]).read_text("utf-8"))
    assert called
    for name in called:
        assert json.dumps({"Ref": f"{name}.Alias"}) in allowed
        assert json.dumps({"Fn::GetAtt": [name, "Arn"]}) in allowed


def test_new_layer_makes_a_new_version_of_every_function():
    assert versions(transformed(layer="another")).isdisjoint(versions(expanded()))
    assert versions(transformed()) == versions(expanded())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_new_parameter_value_makes_a_new_version_of_its_functions(name):
    everywhere = template()["Globals"]["Function"]["Environment"]
    properties = template()["Resources"][name]["Properties"]
    read = parameters_of([everywhere, properties.get("Environment", {})])
    # No more than those either: a version without a change is refused by Lambda.
    assert parameters_of(properties["VersionDescription"]) == read


@pytest.mark.parametrize("name", FUNCTIONS)
def test_longest_allowed_values_fit_a_versions_description(name):
    parameters = template()["Parameters"]
    described = template()["Resources"][name]["Properties"]["VersionDescription"]["Fn::Sub"]

    def longest(found: re.Match[str]) -> str:
        parameter = parameters[found[1]]
        if "AllowedValues" in parameter:
            return max(map(str, parameter["AllowedValues"]), key=len)
        return str(parameter["MaxValue"]) if parameter["Type"] == "Number" else "x" * int(parameter["MaxLength"])

    assert len(re.sub(r"\$\{(\w+)\}", longest, described)) <= MOST_CHARACTERS


def test_all_at_once_needs_no_codedeploy():
    resources = expanded(DeploymentPreference="AllAtOnce")
    assert not [name for name, each in resources.items() if each["Type"].startswith("AWS::CodeDeploy::")]
    assert "CodeDeployServiceRole" not in resources


@pytest.mark.parametrize("preference", GRADUAL)
def test_gradual_release_rolls_back_on_an_alarm(preference):
    resources = expanded(DeploymentPreference=preference)
    groups = of_type(resources, "AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == len(FUNCTIONS)
    for group in groups.values():
        condition, full, basic = group["Properties"]["AlarmConfiguration"]["Fn::If"]
        assert condition == "MonitorsFully"
        assert named_alarms(full) == alarms_with_a_name()
        assert named_alarms(basic) == alarms_with_a_name(basic=True)
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["Properties"]["AutoRollbackConfiguration"]["Events"]


def named_alarms(configuration: dict[str, Any]) -> set[str]:
    """The alarms that a deployment group watches."""
    return {alarm["Name"]["Fn::Sub"] for alarm in configuration["Alarms"]}


def alarms_with_a_name(*, basic: bool = False) -> set[str]:
    """The alarms of the nested stack that have a fixed name, as template.yaml would write it."""
    return {
        each["Properties"]["AlarmName"]["Fn::Sub"].replace("StackName", "AWS::StackName")
        for each in monitoring()["Resources"].values()
        if "AlarmName" in each["Properties"] and not (basic and "Condition" in each)
    }


@pytest.mark.parametrize("preference", ["AllAtOnce", GRADUAL[0]])
def test_template_has_no_circular_references(preference):
    resources = expanded(DeploymentPreference=preference)
    graph = {name: set(named_in(each)) & set(resources) for name, each in resources.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(resources)
