"""The client of the provider over a played transport, and the provider's table of errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from kiln.provider import Provider, Verdict
from kiln.provider.credentials import ProviderCredentials, Signer
from kiln.settings import ProviderSettings

TABLE = [
    # HTTP, code, after a create, after a query
    (401, 1000, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (401, 1001, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (401, 1002, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (401, 1003, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (401, 1004, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (429, 1100, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (429, 1101, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (429, 1102, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (403, 1103, Verdict.PERMANENT, Verdict.PERMANENT),
    (400, 1200, Verdict.PERMANENT, Verdict.PERMANENT),
    (400, 1201, Verdict.PERMANENT, Verdict.PERMANENT),
    (404, 1202, Verdict.PERMANENT, Verdict.PERMANENT),
    (404, 1203, Verdict.PERMANENT, Verdict.MISSING),
    (400, 1300, Verdict.PERMANENT, Verdict.PERMANENT),
    (400, 1301, Verdict.PERMANENT, Verdict.PERMANENT),
    (429, 1302, Verdict.WAIT, Verdict.WAIT),
    (429, 1303, Verdict.WAIT, Verdict.WAIT),
    (429, 1304, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (500, 5000, Verdict.UNKNOWN, Verdict.RETRY),
    (503, 5001, Verdict.UNKNOWN, Verdict.RETRY),
    (504, 5002, Verdict.UNKNOWN, Verdict.RETRY),
    # Codes that nobody has written down: the HTTP status decides.
    (404, 9999, Verdict.PERMANENT, Verdict.MISSING),
    (429, 9999, Verdict.WAIT, Verdict.WAIT),
    (401, 9999, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (403, 9999, Verdict.ACCOUNT, Verdict.ACCOUNT),
    (422, 9999, Verdict.PERMANENT, Verdict.PERMANENT),
    (500, 9999, Verdict.UNKNOWN, Verdict.RETRY),
    (302, 9999, Verdict.UNKNOWN, Verdict.RETRY),
    (200, 9999, Verdict.UNKNOWN, Verdict.RETRY),
]


TASK = {"task_id": "p-1", "task_status": "submitted", "created_at": 1, "updated_at": 1}


Answers = Callable[[httpx.Request], httpx.Response]


class CountingSigner(Signer):
    """Signs ``token-1``, and the next number whenever it is asked to sign again."""

    def __init__(self) -> None:
        super().__init__(ProviderCredentials(api_key="key"))
        self.signed = 1

    def authorization(self, *, renew: bool = False) -> str:
        self.signed += renew
        return f"Bearer token-{self.signed}"


def provider(answers: Answers, **limits: float) -> Provider:
    settings = ProviderSettings(url="https://provider.test", secret_arn="unused", **limits)  # type: ignore[arg-type]
    return Provider(settings, CountingSigner(), httpx.Client(transport=httpx.MockTransport(answers)))


def answering(status: int = 200, body: Any = None, **envelope: Any) -> Answers:
    content = {"code": 0, "message": "SUCCEED", "request_id": "r", **envelope} if body is None else body

    def answer(_: httpx.Request) -> httpx.Response:
        if isinstance(content, (bytes, str)):
            return httpx.Response(status, content=content)
        return httpx.Response(status, json=content)

    return answer


def raising(error: Exception) -> Answers:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer
