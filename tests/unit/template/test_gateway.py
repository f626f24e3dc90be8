"""What API Gateway itself answers: the contract's envelope, its codes, and a header for pages that may call the API."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.account import template

RESPONSES: dict[str, Any] = template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
EXPECTED = {
    "DEFAULT_4XX": (None, 1200),
    "DEFAULT_5XX": (None, 5000),
    "MISSING_AUTHENTICATION_TOKEN": (404, 1202),
    # What a request to no route gets that carries an Authorization header, as all of them do.
    "INVALID_SIGNATURE": (404, 1202),
    # The contract's word for: it may have happened all the same.
    "INTEGRATION_TIMEOUT": (504, 5002),
    "REQUEST_TOO_LARGE": (413, 1201),
    "THROTTLED": (429, 1302),
}


def test_every_answer_is_listed_here():
    assert set(RESPONSES) == set(EXPECTED)


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_refusal_of_the_gateway_is_told_in_the_contracts_envelope(kind):
    response = RESPONSES[kind]
    # Two of the gateway's variables: one is a text with its quotes, the other is put between ours.
    body = response["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"why"')
    answer = json.loads(body.replace("$context.requestId", "an id"))
    assert (response.get("StatusCode"), answer["code"]) == EXPECTED[kind]
    assert answer["message"]
    assert answer["request_id"] == "an id"
    assert not re.search(r"\$context\.", body.replace("$context.requestId", ""))


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_page_that_may_call_the_api_may_read_why_the_gateway_refuses(kind):
    headers = RESPONSES[kind]["ResponseParameters"]["Headers"]
    assert headers == {"Access-Control-Allow-Origin": {"Fn::Sub": "'${CorsOrigin}'"}}
