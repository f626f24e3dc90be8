"""One call and its retries, as a generator that does no input or output itself: what sync and async clients share.

A generator of this package yields what it wants done (a ``Call``, a ``Pause``) or what it has found (a ``Found``), and
is sent the outcome. Who drives it decides how that is done: ``kiln.Kiln`` by blocking, ``async_kiln.AsyncKiln`` by
awaiting.
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import random
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx

from kiln_client.errors import NotListening, NotReachable, Refused, refusal_of

Value = TypeVar("Value")

LONGEST_PAUSE_SECONDS = 90.0
"""A ``Retry-After`` beyond this is not waited for: the caller is told at once."""

_PERSON_MUST_ACT = {1100, 1101, 1102, 1304}
"""Codes of HTTP 429 that no waiting mends."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names that a computer has for itself."""

_FIRST_PAUSE_SECONDS = 0.5
_LARGEST_PAUSE_SECONDS = 8.0


@dataclass(frozen=True)
class Call:
    """A request to send; the outcome is an ``httpx.Response``, or an ``httpx.RequestError`` is thrown in."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str | int] | None = None
    content: bytes | None = None
    form: Mapping[str, str] | None = None
    file: bytes | None = None
    follow_redirects: bool = False

    def arguments(self) -> dict[str, Any]:
        """As ``httpx.Client.request`` takes it."""
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
    """Some time to let pass."""

    seconds: float


@dataclass(frozen=True)
class Found(Generic[Value]):
    """Something to hand to whoever iterates."""

    value: Value


Operation = Generator[Call | Pause, Any, Value]
"""Something that comes to one value."""

Finding = Generator[Call | Pause | Found[Value], Any, None]
"""Something that finds values on its way."""


@dataclass(frozen=True)
class Exchange:
    """How calls are made.

    Attributes:
        url: The API's address, without a slash at the end.
        key: Of the caller.
        retries: How often a call is repeated that was not answered, or with HTTP 429 or 5xx.
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
    ) -> Operation[Any]:
        """Calls the API and comes to ``data`` of its answer.

        Every call of the API may be repeated: those that create carry an ``Idempotency-Key``.

        Raises:
            Refused: Or one of its kinds.
            NotReachable: Nothing answers.
        """
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        content = None if body is None else json.dumps(body).encode()
        call = Call(method, self.url + path, headers=headers, params=params, content=content)
        answer: httpx.Response = yield from self.send(call)
        try:
            return answer.json()["data"]
        except (ValueError, KeyError, TypeError):
            raise Refused(answer.status_code, 0, f"{self.url} does not answer as Kiln does") from None

    def send(self, call: Call) -> Operation[httpx.Response]:
        """Sends a request until it is answered with success, has been refused, or was repeated often enough."""
        for attempt in range(self.retries + 1):
            try:
                answer: httpx.Response = yield call
            except httpx.RequestError as error:
                says = f"nothing answers at {_host(call.url)}: {_words(error)}"
                if attempt == 0 and isinstance(error, httpx.ConnectError) and httpx.URL(call.url).host in LOOPBACK:
                    raise NotListening(says) from None
                failure: NotReachable | Refused = NotReachable(says)
                pause = _backoff(attempt)
            else:
                if answer.is_success:
                    return answer
                failure = read_refusal(answer)
                if not _is_passing(failure):
                    raise failure
                pause = _backoff(attempt) if failure.retry_after is None else failure.retry_after
            if attempt == self.retries or pause > LONGEST_PAUSE_SECONDS:
                break
            yield Pause(pause)
        raise failure


def read_refusal(answer: httpx.Response) -> Refused:
    """What an answer that is no success says."""
    said: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        body = answer.json()
        said = body if isinstance(body, dict) else {}
    return refusal_of(answer.status_code)(
        answer.status_code,
        said.get("code", 0),
        said.get("message") or f"HTTP {answer.status_code} {answer.reason_phrase}".rstrip(),
        said.get("request_id", ""),
        _retry_after(answer.headers.get("Retry-After")),
    )


def _is_passing(failure: Refused) -> bool:
    if failure.http_status == httpx.codes.TOO_MANY_REQUESTS:
        return failure.code not in _PERSON_MUST_ACT
    return failure.http_status >= httpx.codes.INTERNAL_SERVER_ERROR


def _backoff(attempt: int) -> float:
    longest = min(_LARGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**attempt)
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, hides nothing


def _retry_after(header: str | None) -> float | None:
    """Seconds, of either form that the header may have."""
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


def _words(error: httpx.RequestError) -> str:
    return str(error) or type(error).__name__
