"""Sets the template's gateway responses and CORS by API calls, as the local AWS ignores them in SAM's document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.clients import AwsClients
from local.gateway_responses import GatewayResponse
from local.templates import read_template

_CORS_HEADERS = {
    "AllowOrigin": "Access-Control-Allow-Origin",
    "AllowHeaders": "Access-Control-Allow-Headers",
    "AllowMethods": "Access-Control-Allow-Methods",
    "MaxAge": "Access-Control-Max-Age",
}


def apply_gateway(
    clients: AwsClients, template_path: Path, api_id: str, stage: str, parameters: Mapping[str, str]
) -> dict[str, GatewayResponse]:
    """Sets each response that the template's APIs declare, and the answers to a browser's preflight.

    ``parameters`` are the values of the template's parameters.

    Returns:
        The responses by their types, for what answers in the gateway's place.
    """
    declared: dict[str, GatewayResponse] = {}
    template = read_template(template_path)
    gateway = clients.client("apigateway")
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Api":
            continue
        _put_cors(gateway, api_id, resource["Properties"].get("Cors", {}), parameters)
        for response_type, response in resource["Properties"].get("GatewayResponses", {}).items():
            status = {"statusCode": str(response["StatusCode"])} if "StatusCode" in response else {}
            given = response.get("ResponseParameters", {}).get("Headers", {})
            headers = {name: _resolved(value, parameters) for name, value in given.items()}
            templates = response.get("ResponseTemplates", {})
            declared[response_type] = GatewayResponse(
                int(response.get("StatusCode", 0)), templates.get("application/json", ""), headers
            )
            gateway.put_gateway_response(
                restApiId=api_id,
                responseType=response_type,
                responseParameters={f"gatewayresponse.header.{name}": value for name, value in headers.items()},
                responseTemplates=templates,
                **status,
            )
    gateway.create_deployment(restApiId=api_id, stageName=stage)
    return declared


def _put_cors(gateway: Any, api_id: str, cors: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    headers = {
        f"method.response.header.{header}": _resolved(cors[name], parameters)
        for name, header in _CORS_HEADERS.items()
        if name in cors
    }
    for page in gateway.get_paginator("get_resources").paginate(restApiId=api_id):
        for resource in page["items"]:
            if headers and "OPTIONS" in resource.get("resourceMethods", {}):
                preflight = {"restApiId": api_id, "resourceId": resource["id"], "httpMethod": "OPTIONS"}
                gateway.put_method_response(
                    **preflight, statusCode="200", responseParameters=dict.fromkeys(headers, False)
                )
                gateway.put_integration_response(**preflight, statusCode="200", responseParameters=headers)


def _resolved(value: Any, parameters: Mapping[str, str]) -> str:
    """A string of the template, with the parameters in a ``!Sub`` replaced by their values."""
    text = str(value["Fn::Sub"] if isinstance(value, dict) else value)
    for name, given in parameters.items():
        text = text.replace(f"${{{name}}}", given)
    return text
