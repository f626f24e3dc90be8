"""API Gateway's own answers, as the template declares them, for what the proxy refuses in the gateway's place."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import Response

_CONTEXT = {"$context.requestId": "", "$context.error.messageString": '"the gateway refused the request"'}


@dataclass(frozen=True)
class GatewayResponse:
    """One response of the template.

    Attributes:
        status: The HTTP status.
        template: The mapping template of the body.
        headers: More headers; API Gateway writes their values in single quotes.
    """

    status: int
    template: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def answer(self) -> Response:
        """The response for one request."""
        body = self.template
        for variable, value in {**_CONTEXT, "$context.requestId": uuid.uuid4().hex}.items():
            body = body.replace(variable, value)
        headers = {name: value.removeprefix("'").removesuffix("'") for name, value in self.headers.items()}
        return Response(body, self.status, headers, media_type="application/json")


def _default(status: int, code: int, message: str) -> GatewayResponse:
    body = {"code": code, "message": message, "request_id": "$context.requestId"}
    return GatewayResponse(status, json.dumps(body, separators=(",", ":")), {"Access-Control-Allow-Origin": "'*'"})


DEFAULTS: Mapping[str, GatewayResponse] = {
    "REQUEST_TOO_LARGE": _default(413, 1201, "body: too large"),
    "INTEGRATION_TIMEOUT": _default(504, 5002, "no answer in time"),
}
"""The responses of a template that declares none."""
