"""The contract over API Gateway: who is calling, and every answer and refusal in the contract's envelope."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from pydantic import BaseModel

from kiln.auth import callers
from kiln.contract.envelope import Envelope, Refusal
from kiln.errors import KilnError, MalformedRequest, NoSuchRoute, TooManyRequests
from kiln.settings import AddressSettings, CorsSettings, load
from kiln_lambda.observability import about, logger

if TYPE_CHECKING:
    from kiln.tasks.store import TaskStore
    from kiln.tasks.task import Task

_JSON = "application/json"
_CORS_SECONDS = 3_600
IGNORED_FIELDS = "Kiln-Ignored-Fields"
"""Names the fields of a request that have no effect."""

_NAMED_CHARACTERS = 2_000
PLACEHOLDER = "-"
"""Stands for the id in a path when the query names the task: an external id may not fit into a path."""


class ContractApi(APIGatewayRestResolver):
    """A resolver that speaks the contract's envelope."""

    def __init__(self) -> None:
        origin = load(CorsSettings).origin
        cors = CORSConfig(
            allow_origin=origin,
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Prefer"],
            expose_headers=[IGNORED_FIELDS, "Location", "Preference-Applied", "Retry-After"],
            max_age=_CORS_SECONDS,
        )
        super().__init__(cors=None if origin in ("", "none") else cors)
        self.exception_handler(KilnError)(self.refuse)
        self.exception_handler(Exception)(self._fail)
        self.not_found(self._no_such_route)

    @property
    def request_id(self) -> str:
        """The gateway's id of this request."""
        return str(self.current_event.request_context.request_id)

    @property
    def public_url(self) -> str:
        """Kiln's own address: the configured one, or the one this request came to, stage included."""
        configured = load(AddressSettings).public_url
        if configured:
            return str(configured)
        context = self.current_event.request_context
        stage, _, _ = str(context.path).partition("/v1/")
        return f"https://{context.domain_name}{stage}"

    def address_of(self, task: Task) -> str:
        """Where a task can be queried."""
        return f"{self.public_url}/v1/images/multi-image2image/{task.task_id}"

    @property
    def id_in_path(self) -> str:
        """The id in the path, decoded; ``-`` without one."""
        return unquote((self.current_event.path_parameters or {}).get("id") or PLACEHOLDER)

    @property
    def requested_at(self) -> int:
        """When the gateway received this request, in milliseconds since the epoch."""
        return int(self.current_event.request_context.request_time_epoch)

    def caller(self) -> callers.Caller:
        """Identifies the caller.

        Raises:
            AuthenticationFailed: Or one of its kinds.
        """
        return callers.identify(self.current_event.headers.get("Authorization"))

    def either_id(self, caller: str, tasks: TaskStore) -> str:
        """The id of the task that the request names: a task id, or an external id with whatever characters it has.

        It is in the path. For ``-`` in the path, or no id there, ``?external_task_id=`` (or ``?task_id=``) has it.

        Raises:
            TaskNotFound: This caller has no task of the external id (1203).
        """
        either_id = self.id_in_path
        if either_id == PLACEHOLDER:
            external_id, task_id = (self.parameters.get(name, "").strip() for name in ("external_task_id", "task_id"))
            named = tasks.find_external(caller, external_id).task_id if external_id else task_id
            either_id = named or either_id
        about(either_id)
        return either_id

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the query string; the last one of a name counts."""
        return dict(self.current_event.query_string_parameters or {})

    def body(self) -> bytes:
        """The request's body as it was sent."""
        sent = self._decoded()
        return sent if isinstance(sent, bytes) else sent.encode()

    def sent(self) -> str | bytes:
        """The request's body as the gateway gives it: images make it megabytes, of which no copy is needed.

        Raises:
            MalformedRequest: It is compressed (1200).
        """
        body = self._decoded()
        beginning = body[:64] if isinstance(body, str) else body[:64].decode(errors="replace")
        encoding = (self.current_event.headers.get("Content-Encoding") or "identity").strip().lower()
        # Some clients send the header with a body that is not compressed.
        if encoding != "identity" and not beginning.lstrip().startswith("{"):
            raise MalformedRequest(f"body: must not be compressed, got Content-Encoding {encoding[:20]}")
        return body

    def _decoded(self) -> str | bytes:
        text = self.current_event.body or ""
        return base64.b64decode(text) if self.current_event.is_base64_encoded else text

    def answer(self, payload: BaseModel | list[Any], headers: dict[str, str] | None = None) -> Response[str]:
        """A success (HTTP 200, code 0)."""
        parts = payload if isinstance(payload, list) else [payload]
        for model in {type(part) for part in parts if isinstance(part, BaseModel)}:
            # A model that is built when first needed is not built by being a part of anything.
            model.model_rebuild()
        envelope = Envelope[Any](request_id=self.request_id, data=payload)
        return Response(200, _JSON, envelope.model_dump_json(exclude_none=True), dict(headers or {}))

    def refuse(self, error: KilnError) -> Response[str]:
        """A refusal, with the error's own HTTP status and code."""
        logger.info("refused", extra={"code": error.code, "reason": error.message})
        refusal = Refusal(code=error.code, message=error.message, request_id=self.request_id)
        headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyRequests) else {}
        return Response(error.http_status, _JSON, refusal.model_dump_json(), dict(headers))

    @staticmethod
    def naming(ignored: list[str]) -> dict[str, str]:
        """The header that names ignored fields, percent-encoded and with commas between; none if there are none."""
        names: list[str] = []
        for name in ignored:
            # API Gateway answers 502 if all headers together are over 10 KB.
            if len(", ".join([*names, encoded := quote(name, safe="[]._-")])) <= _NAMED_CHARACTERS:
                names.append(encoded)
        return {IGNORED_FIELDS: ", ".join(names)} if names else {}

    def _fail(self, error: Exception) -> Response[str]:
        logger.exception("failed", exc_info=error)
        refusal = Refusal(code=5000, message="internal error", request_id=self.request_id)
        return Response(status_code=500, content_type=_JSON, body=refusal.model_dump_json())

    def _no_such_route(self, _error: NotFoundError) -> Response[str]:
        event = self.current_event
        return self.refuse(NoSuchRoute(f"no such resource or method: {event.http_method} {event.path}"[:200]))
