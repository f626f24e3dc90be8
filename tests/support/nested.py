"""``monitoring.yaml``, the nested stack of alarms, dashboard and saved queries, and what is passed to it."""

from __future__ import annotations

from functools import cache
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from tests.support.account import ROOT, template


@cache
def monitoring() -> dict[str, Any]:
    """The nested template, parsed."""
    parsed: dict[str, Any] = yaml_parse((ROOT / "monitoring.yaml").read_text("utf-8"))
    return parsed


def passed() -> dict[str, Any]:
    """What ``template.yaml`` passes for each parameter of the nested template."""
    parameters: dict[str, Any] = template()["Resources"]["MonitoringStack"]["Properties"]["Parameters"]
    return parameters


def resource_of(parameter: str) -> str:
    """The logical id of the resource, or the parameter, that is passed for a parameter of the nested template."""
    value = passed()[parameter]
    name = value["Ref"] if "Ref" in value else value["Fn::GetAtt"]
    return str(name[0] if isinstance(name, list) else name.partition(".")[0])
