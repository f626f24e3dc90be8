"""One request to the API and its retries, as a generator without input or output: both clients share it.

A generator of this package yields its next step: a ``Request`` to send, a ``Pause`` to wait, or a ``Found`` value to
hand out. The client that drives it sends the outcome back: ``client.Kiln`` blocks, ``async_client.AsyncKiln`` awaits.
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import random
import time
import warnings
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

import httpx

from kiln_client.errors import IgnoredFields, NotListening, NotReachable, Refused, refusal_of

Value = TypeVar("Value")
Step = TypeVar("Step")

LONGEST_PAUSE_SECONDS = 90.0
"""A longer ``Retry-After`` is not waited for: the refusal is raised at once."""

_NEEDS_A_PERSON = {1100, 1101, 1102, 1304}
"""Codes of HTTP 429 that do not go away by waiting."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""The names that a computer has for itself."""

_FIRST_PAUSE_SECONDS = 0.5
_LARGEST_PAUSE_SECONDS = 8.0


@dataclass(frozen=True)
class Request:
    """A request to send. Its outcome is an ``httpx.Response`` or an ``httpx.RequestError``."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str | int] | None = None
    content: bytes | None = None
    form: Mapping[str, str] | None = None
    file: bytes | None = None
    follow_redirects: bool = False

    def arguments(self) -> dict[str, Any]:
        """The arguments of ``httpx.Client.request``."""
        return {
            "method": self.method,
            "url": self.url,
            "headers": self.headers,
            "params": self.params,
            "content": self.content,
            "data": self.form,
            "files": None if self.file is None else {"file": self.file},
            "follow_redirects": self.follow_redirects,
        }


@dataclass(frozen=True)
class Pause:
    """A time to wait."""

    seconds: float


@dataclass(frozen=True)
class Found(Generic[Value]):
    """A value for the caller who iterates."""

    value: Value


Operation = Generator[Request | Pause, Any, Value]
"""An operation that returns one value."""

Finding = Generator[Request | Pause | Found[Value], Any, None]
"""An operation that finds values one by one."""

Outcome = httpx.Response | httpx.RequestError | None


def proceed(steps: Generator[Step, Any, Any], outcome: Outcome) -> Step:
    """Gives an operation the outcome of its last step and returns its next one.

    Args:
        steps: The operation.
        outcome: ``None`` starts the operation, and follows a ``Pause`` or a ``Found``.
    """
    return steps.throw(outcome) if isinstance(outcome, httpx.RequestError) else steps.send(outcome)


@dataclass(frozen=True)
class Sender:
    """Sends requests with the caller's key, and repeats those that may succeed later.

    Attributes:
        url: The API's address, without a slash at the end.
        key: The caller's key.
        retries: How often a request is repeated after no answer, HTTP 429 or 5xx.
    """

    url: str
    key: str = field(repr=False)
    retries: int

    def api(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str | int] | None = None,
        idempotency_key: str | None = None,
        wait: int = 0,
    ) -> Operation[Any]:
        """Sends a request to the API and returns ``data`` of the answer.

        Every request may be repeated: those that create a task carry an ``Idempotency-Key``.

        Raises:
            Refused: Or one of its kinds.
            NotReachable: The API does not answer.
        """
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        if wait:
            headers["Prefer"] = f"wait={wait}"
        content = None if body is None else json.dumps(body).encode()
        request = Request(method, self.url + path, headers=headers, params=params, content=content)
        answer: httpx.Response = yield from self.send(request)
        if ignored := answer.headers.get("Kiln-Ignored-Fields"):
            warnings.warn(f"these fields have no effect: {unquote(ignored)}", IgnoredFields, stacklevel=2)
        try:
            return answer.json()["data"]
        except (ValueError, KeyError, TypeError):
            raise Refused(answer.status_code, 0, f"{self.url} does not answer as Kiln does") from None

    def send(self, request: Request) -> Operation[httpx.Response]:
        """Sends a request until it succeeds, is refused, or has been repeated ``retries`` times."""
        for attempt in range(self.retries + 1):
            try:
                answer: httpx.Response = yield request
            except httpx.RequestError as error:
                message = f"no answer from {_host(request.url)}: {str(error) or type(error).__name__}"
                if attempt == 0 and isinstance(error, httpx.ConnectError) and httpx.URL(request.url).host in LOOPBACK:
                    raise NotListening(message) from None
                failure: NotReachable | Refused = NotReachable(message)
                pause = _backoff(attempt)
            else:
                if answer.is_success:
                    return answer
                failure = read_refusal(answer)
                if not _may_succeed_later(failure):
                    raise failure
                pause = _backoff(attempt) if failure.retry_after is None else failure.retry_after
            if attempt == self.retries or pause > LONGEST_PAUSE_SECONDS:
                break
            yield Pause(pause)
        raise failure


def read_refusal(answer: httpx.Response) -> Refused:
    """The error for an answer that is not a success."""
    envelope: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        body = answer.json()
        envelope = body if isinstance(body, dict) else {}
    return refusal_of(answer.status_code)(
        answer.status_code,
        envelope.get("code", 0),
        envelope.get("message") or f"HTTP {answer.status_code} {answer.reason_phrase}".rstrip(),
        envelope.get("request_id", ""),
        _retry_after(answer.headers.get("Retry-After")),
    )


def _may_succeed_later(failure: Refused) -> bool:
    if failure.http_status == httpx.codes.TOO_MANY_REQUESTS:
        return failure.code not in _NEEDS_A_PERSON
    return failure.http_status >= httpx.codes.INTERNAL_SERVER_ERROR


def _backoff(attempt: int) -> float:
    longest = min(_LARGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**attempt)
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, hides nothing


def _retry_after(header: str | None) -> float | None:
    """Seconds. The header has either a number or a date."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    return None


def _host(url: str) -> str:
    address = httpx.URL(url)
    return f"{address.scheme}://{address.netloc.decode()}"
