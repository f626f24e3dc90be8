"""The contract over API Gateway: who is calling, and every answer and refusal in the contract's envelope."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from pydantic import BaseModel

from kiln.auth import callers
from kiln.contract.answers import Envelope, Refusal
from kiln.errors import KilnError, ResourceNotFound
from kiln.settings import AddressSettings, load
from kiln_lambda.observability import logger

_JSON = "application/json"


class ContractApi(APIGatewayRestResolver):
    """A resolver that speaks the contract's envelope."""

    def __init__(self) -> None:
        super().__init__()
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
        prefix = str(context.path).removesuffix(self.current_event.path)
        return f"https://{context.domain_name}{prefix}"

    def caller(self) -> callers.Caller:
        """Who is calling.

        Raises:
            AuthenticationFailed: Or one of its kinds.
        """
        return callers.identify(self.current_event.headers.get("Authorization"))

    def answer(self, payload: BaseModel | list[Any]) -> Response[str]:
        """A success (HTTP 200, code 0)."""
        envelope = Envelope[Any](request_id=self.request_id, data=payload)
        return Response(status_code=200, content_type=_JSON, body=envelope.model_dump_json())

    def refuse(self, error: KilnError) -> Response[str]:
        """A refusal, with the error's own HTTP status and code."""
        logger.info("refused", extra={"code": error.code, "reason": error.message})
        refusal = Refusal(code=error.code, message=error.message, request_id=self.request_id)
        return Response(status_code=error.http_status, content_type=_JSON, body=refusal.model_dump_json())

    def _fail(self, error: Exception) -> Response[str]:
        logger.exception("failed", exc_info=error)
        refusal = Refusal(code=5000, message="internal error", request_id=self.request_id)
        return Response(status_code=500, content_type=_JSON, body=refusal.model_dump_json())

    def _no_such_route(self, _error: NotFoundError) -> Response[str]:
        event = self.current_event
        return self.refuse(ResourceNotFound(f"no such resource: {event.http_method} {event.path}"[:200]))
