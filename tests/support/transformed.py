"""The template as CloudFormation gets it: after SAM's transform, for any values of its parameters."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.support.account import template

_CODE = ("CodeUri", "ContentUri", "DefinitionUri")
_NAMED = re.compile(r"\$\{([^}!]+)\}")


def transformed(*, layer: str = "layer", **parameters: str) -> dict[str, Any]:
    """Every resource that a deployment makes.

    Args:
        layer: Where the layer's content was uploaded to.
        parameters: Those that differ from their defaults.
    """
    # The transform takes long to import, which only the worker that needs it pays.
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    document = copy.deepcopy(template())
    for name, resource in document["Resources"].items():
        for key in _CODE:
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = f"s3://artifacts/{layer if name == 'KilnLayer' else name}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        answer: dict[str, Any] = Translator({}, Parser()).translate(document, parameter_values=parameters)
    resources: dict[str, Any] = answer["Resources"]
    return resources


@cache
def expanded(**parameters: str) -> dict[str, Any]:
    """The same, made once for the same parameters: to read, not to change."""
    return transformed(**parameters)


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    """The resources of one type."""
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def named_in(node: Any) -> Iterator[str]:
    """Every name that a part of the template refers to: of resources, parameters and conditions."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value[0] if isinstance(value, list) else value.partition(".")[0]
            elif key == "Fn::If":
                yield value[0]
                yield from named_in(value[1:])
            elif key == "Fn::Sub":
                text, given = (value, {}) if isinstance(value, str) else value
                yield from (name.partition(".")[0] for name in _NAMED.findall(text) if name not in given)
                yield from named_in(given)
            elif key == "DependsOn":
                yield from [value] if isinstance(value, str) else value
            else:
                yield from named_in(value)
    elif isinstance(node, list):
        for each in node:
            yield from named_in(each)
