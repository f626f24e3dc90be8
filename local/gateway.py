"""Gives the local AWS the template's gateway responses: it takes them by calls, not from SAM's document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.clients import AwsClients


def apply_gateway_responses(clients: AwsClients, template_path: Path, api_id: str, stage: str) -> None:
    """Puts each response that the template's APIs declare, and deploys the stage again with them.

    Args:
        clients: Of the local AWS.
        template_path: The template.
        api_id: The deployed REST API.
        stage: Its stage.
    """
    template: dict[str, Any] = yaml_parse(template_path.read_text(encoding="utf-8"))
    gateway = clients.client("apigateway")
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Api":
            continue
        for response_type, response in resource["Properties"].get("GatewayResponses", {}).items():
            status = {"statusCode": str(response["StatusCode"])} if "StatusCode" in response else {}
            gateway.put_gateway_response(
                restApiId=api_id,
                responseType=response_type,
                responseTemplates=response.get("ResponseTemplates", {}),
                **status,
            )
    gateway.create_deployment(restApiId=api_id, stageName=stage)
