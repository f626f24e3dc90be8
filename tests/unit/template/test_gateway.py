"""API Gateway's own answers: the contract's envelope, its codes, and a header for pages that may call the API."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.account import template
from tests.support.transformed import expanded, of_type, transformed

API: dict[str, Any] = template()["Resources"]["Api"]["Properties"]
RESPONSES: dict[str, Any] = API["GatewayResponses"]
EXPECTED = {
    "DEFAULT_4XX": (None, 1200),
    "DEFAULT_5XX": (None, 5000),
    "MISSING_AUTHENTICATION_TOKEN": (404, 1202),
    # The answer to a request without a route that carries an Authorization header, as all of them do.
    "INVALID_SIGNATURE": (404, 1202),
    # The contract's word for: it may have happened all the same.
    "INTEGRATION_TIMEOUT": (504, 5002),
    "REQUEST_TOO_LARGE": (413, 1201),
    "THROTTLED": (429, 1302),
}


def test_every_gateway_response_is_tested():
    assert set(RESPONSES) == set(EXPECTED)


@pytest.mark.parametrize("kind", EXPECTED)
def test_refusal_by_the_gateway_has_the_contracts_envelope(kind):
    response = RESPONSES[kind]
    # Two of the gateway's variables: one is a quoted string, the other is put between our quotes.
    body = response["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"why"')
    answer = json.loads(body.replace("$context.requestId", "an id"))
    assert (response.get("StatusCode"), answer["code"]) == EXPECTED[kind]
    assert answer["message"]
    # The functions write their answers so; programs that compare text see no difference.
    assert body == json.dumps(answer, separators=(",", ":")).replace('"an id"', '"$context.requestId"')
    assert answer["request_id"] == "an id"
    assert not re.search(r"\$context\.", body.replace("$context.requestId", ""))


@pytest.mark.parametrize("kind", EXPECTED)
def test_refusal_by_the_gateway_has_cors_headers(kind):
    headers = RESPONSES[kind]["ResponseParameters"]["Headers"]
    assert headers == {"Access-Control-Allow-Origin": {"Fn::Sub": "'${CorsOrigin}'"}}


def test_new_cors_origin_makes_a_new_deployment(monkeypatch):
    """SAM names the deployment by a hash of the template, which holds the parameter's name and not its value."""

    def deployments(origin: str, at: float) -> set[str]:
        # With AlwaysDeploy, SAM hashes the second in which it runs.
        monkeypatch.setattr("samtranslator.model.apigateway.time.time", lambda: at)
        return set(of_type(transformed(CorsOrigin=origin), "AWS::ApiGateway::Deployment"))

    before, after = deployments("https://one.test", 1_000_000_000), deployments("https://two.test", 1_000_000_060)
    assert len(before) == len(after) == 1
    assert before.isdisjoint(after)


def test_gateway_compresses_answers():
    [api] = of_type(expanded(), "AWS::ApiGateway::RestApi").values()
    assert 0 < api["Properties"]["MinimumCompressionSize"] <= 10_000


def test_access_log_is_json_that_names_the_request_and_holds_no_token():
    [stage] = of_type(expanded(), "AWS::ApiGateway::Stage").values()
    condition, log, none = stage["Properties"]["AccessLogSetting"]["Fn::If"]
    assert (condition, none) == ("HasAccessLog", {"Ref": "AWS::NoValue"})
    assert "${ApiAccessLog}" in log["DestinationArn"]["Fn::Sub"]
    # API Gateway documents the ARN without the ":*" that CloudFormation adds to the ARN of a log group.
    assert not log["DestinationArn"]["Fn::Sub"].endswith(":*")
    line = json.loads(log["Format"])
    assert "\n" not in log["Format"]
    assert line["request_id"] == "$context.requestId"
    # The paths of results and callbacks hold tokens; the route holds the names of the path's parameters.
    for forbidden in ("$context.path", "$context.requestOverride", "$context.authorizer", "$context.customDomain"):
        assert not [value for value in line.values() if value.startswith(forbidden)]


def test_access_log_of_a_deleted_stack_cannot_stop_the_next_one():
    log = template()["Resources"]["ApiAccessLog"]
    assert log["Condition"] == "HasAccessLog"
    # CloudFormation makes a new name for every stack.
    assert "LogGroupName" not in log["Properties"]


def test_timeout_message_is_true_for_every_method():
    template = RESPONSES["INTEGRATION_TIMEOUT"]["ResponseTemplates"]["application/json"]
    message = json.loads(template)["message"]
    assert message.startswith("no answer in time; repeat the request")
    assert "a create with the same Idempotency-Key" in message
