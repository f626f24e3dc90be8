"""The provider's client: create, query by either id, list, over httpx with explicit limits on every call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import jwt

from kiln import metrics
from kiln.errors import ConfigurationError
from kiln.provider.answers import Answer, ProviderTask, is_about, read_answer, read_task
from kiln.provider.credentials import Signer
from kiln.provider.verdicts import TOKEN_REFUSED, ProviderError, Verdict, verdict_of
from kiln.settings import ProviderSettings, load

_PATH = "/v1/images/multi-image2image"
_ANSWER_BYTES = 4 * 1024 * 1024

# Errors of httpx that are raised before a byte of the request has left: nothing can have happened at the provider.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


class Provider:
    """One provider account.

    Args:
        settings: Address and limits; read from the environment if not given.
        signer: Signs requests.
        client: An httpx client; one with a connection pool is made if not given.
    """

    def __init__(
        self,
        settings: ProviderSettings | None = None,
        signer: Signer | None = None,
        client: httpx.Client | None = None,
    ) -> None:
        self._settings = settings or load(ProviderSettings)
        self._signer = signer or Signer()
        self._client = client or _client(self._settings)

    def create(self, request: Mapping[str, Any]) -> ProviderTask:
        """Asks for a task.

        Raises:
            ProviderError: With ``UNKNOWN`` when the task may have been made all the same.
        """
        task = read_task(self._call("POST", _PATH, creates=True, body=request))
        ours = str(request.get("external_task_id", ""))
        if task is None or not task.task_id:
            raise _unreadable("an answer that is not a task", creates=True)
        if ours and task.external_task_id not in ("", ours):
            raise _unreadable("an answer about another task", creates=True)
        return task

    def query(self, either_id: str, external_task_id: str = "") -> ProviderTask:
        """Asks for one task by the provider's id or by the external id.

        Args:
            either_id: The id to ask for.
            external_task_id: Our own id, if ``either_id`` is the provider's: an answer with either is about our task.

        Raises:
            ProviderError: With ``MISSING`` when there is none.
        """
        data = self._call("GET", f"{_PATH}/{quote(either_id, safe='')}")
        task = read_task(data, either_id, external_task_id)
        if task is None or not task.status_word:
            raise _unreadable("an answer that is not a task", creates=False)
        if not is_about(task, either_id, external_task_id):
            raise _unreadable("an answer about another task", creates=False)
        return task

    def query_list(self, page_num: int = 1, page_size: int = 30) -> list[ProviderTask]:
        """Asks for a page of the account's tasks; those of other shapes are passed over.

        Raises:
            ProviderError: The call failed.
        """
        page = self._call("GET", f"{_PATH}?pageNum={page_num}&pageSize={page_size}")
        tasks = [read_task(each) for each in page] if isinstance(page, list) else []
        return [task for task in tasks if task and task.task_id and task.status_word]

    def _call(self, method: str, path: str, *, creates: bool = False, body: Mapping[str, Any] | None = None) -> Any:
        try:
            return self._answer(method, path, creates=creates, body=body)
        except ProviderError as error:
            if error.verdict is Verdict.ACCOUNT:
                metrics.record(metrics.ACCOUNT_ERRORS)
            raise

    def _answer(self, method: str, path: str, *, creates: bool, body: Mapping[str, Any] | None) -> Any:
        http_status, answer = self._request(method, path, creates=creates, body=body)
        if answer.code in TOKEN_REFUSED:
            http_status, answer = self._request(method, path, creates=creates, body=body, renew=True)
        if answer.code is None:
            raise _unreadable(f"HTTP {http_status} without a code", creates=creates)
        if answer.code != 0 or http_status >= 400:
            verdict = verdict_of(http_status, answer.code, answer.message, creates=creates)
            raise ProviderError(verdict, answer.message or f"HTTP {http_status}", answer.code)
        return answer.data

    def _authorization(self, *, renew: bool) -> str:
        try:
            return self._signer.authorization(renew=renew)
        except (jwt.PyJWTError, ConfigurationError) as error:
            # No keys yet, or keys that cannot be used: a person's matter, as if the provider had refused them.
            raise ProviderError(Verdict.ACCOUNT, f"the provider's keys cannot be used: {error}") from error

    def _request(
        self, method: str, path: str, *, creates: bool, body: Mapping[str, Any] | None, renew: bool = False
    ) -> tuple[int, Answer]:
        headers = {"Authorization": self._authorization(renew=renew)}
        began_at = time.monotonic()
        code: int | None = None
        try:
            http_status, answer = self._send(method, path, headers, creates=creates, body=body)
            code = answer.code
            return http_status, answer
        finally:
            took = (time.monotonic() - began_at) * 1_000
            metrics.record(metrics.PROVIDER_CALLS, took, of=metrics.provider_code(code))

    def _send(
        self, method: str, path: str, headers: dict[str, str], *, creates: bool, body: Mapping[str, Any] | None
    ) -> tuple[int, Answer]:
        try:
            with self._client.stream(method, self._settings.url + path, headers=headers, json=body) as response:
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > _ANSWER_BYTES:
                        raise _unreadable(f"an answer of over {_ANSWER_BYTES} bytes", creates=creates)
                status = response.status_code
        except _NOT_SENT as error:
            raise ProviderError(Verdict.RETRY, f"the provider cannot be reached: {type(error).__name__}") from error
        except httpx.HTTPError as error:
            raise _unreadable(f"no answer: {type(error).__name__}", creates=creates) from error
        answer = read_answer(bytes(content))
        if answer is None:
            # Something on the way answered, not the provider: its word on what happened counts for nothing.
            if status == 429:
                raise ProviderError(Verdict.WAIT, "HTTP 429 without a JSON object")
            raise _unreadable(f"HTTP {status} without a JSON object", creates=creates)
        return status, answer


@cache
def shared_provider() -> Provider:
    """The provider account of the environment, one per process: its connections and its JWT are reused."""
    return Provider()


def _client(settings: ProviderSettings) -> httpx.Client:
    from kiln.request_deadline import DeadlineTransport  # noqa: PLC0415 - loads what httpx loads with its first client

    timeout = httpx.Timeout(settings.read_seconds, connect=settings.connect_seconds)
    return httpx.Client(timeout=timeout, transport=DeadlineTransport(settings.total_seconds), follow_redirects=False)


def _unreadable(reason: str, *, creates: bool) -> ProviderError:
    return ProviderError(Verdict.UNKNOWN if creates else Verdict.RETRY, reason)
