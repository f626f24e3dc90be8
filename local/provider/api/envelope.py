"""The provider's envelope around every answer, and its refusals with their codes and HTTP statuses."""

from __future__ import annotations

import uuid

from starlette.responses import JSONResponse

from kiln.errors import KilnError

_REFUSALS = {
    1000: (401, "Authentication failed"),
    1001: (401, "Authorization is empty"),
    1002: (401, "Authorization is invalid"),
    1003: (401, "Authorization token is not valid yet"),
    1004: (401, "Authorization token has expired"),
    1100: (429, "Account exception"),
    1101: (429, "Account balance not enough"),
    1102: (429, "Resource pack exhausted or expired"),
    1201: (400, "Invalid parameters"),
    1202: (404, "The requested method or route does not exist"),
    1203: (404, "The requested resource does not exist"),
    1302: (429, "Too many requests"),
    1303: (429, "Parallel task over resource pack limit"),
    1304: (429, "IP is not on the allow-list"),
    5000: (500, "Internal server error"),
    5001: (503, "Service temporarily unavailable"),
    5002: (504, "Server timed out"),
}


class ProviderError(KilnError):
    """A refusal for which the layer has no error class, as the caller alone cannot cause it."""

    def __init__(self, code: int, message: str | None = None) -> None:
        status, usual_message = _REFUSALS[code]
        super().__init__(message or usual_message)
        self.refusal_code = code
        self.refusal_status = status


def success(data: object) -> JSONResponse:
    """HTTP 200, code 0 and the data."""
    return JSONResponse({"code": 0, "message": "SUCCEED", "request_id": _request_id(), "data": data})


def refusal(error: KilnError) -> JSONResponse:
    """The envelope without ``data``."""
    code, status = code_of(error), error.http_status
    if isinstance(error, ProviderError):
        status = error.refusal_status
    return JSONResponse({"code": code, "message": error.message, "request_id": _request_id()}, status_code=status)


def code_of(error: KilnError) -> int:
    """The business code that an error is answered with."""
    return error.refusal_code if isinstance(error, ProviderError) else error.code


def _request_id() -> str:
    return str(uuid.uuid4())
