"""The short way to the in-process doubles of AWS: their handlers are called without HTTP or a search."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse, create_request_object
from botocore.compat import HTTPHeaders
from botocore.httpchecksum import apply_request_checksum
from moto.core import responses
from moto.core.botocore_stubber import MockRawResponse
from moto.core.exceptions import ServiceException
from moto.core.models import botocore_stubber
from moto.core.request import normalize_request
from moto.core.utils import camelcase_to_underscores, method_names_from_class
from moto.dynamodb.responses import DynamoHandler
from moto.s3.responses import S3Response
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.sqs.responses import SQSResponse
from werkzeug.exceptions import HTTPException

SIGNED = "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/aws/aws4_request, SignedHeaders=host, Signature=0"
"""The double reads the account and the region, and proves nothing."""
OK = SimpleNamespace(status_code=200, headers={})
SHORT = {
    *("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"),
    *("BatchGetItem", "BatchWriteItem", "TransactWriteItems"),
}
"""Operations that tests call often. No answer holds a time or bytes, so the JSON is what botocore returns."""


def shorten_dynamodb(client: Any, account: str, region: str) -> None:
    """Lets a client call DynamoDB's handlers directly; HTTP takes three times as long."""

    def answer(model: Any, params: dict[str, Any], **_: object) -> tuple[Any, dict[str, Any]] | None:
        if model.name not in SHORT or b'"B":' in params["body"]:
            return None
        handler = DynamoHandler()
        handler.current_account, handler.region = account, region
        handler.body = handler.params = json.loads(params["body"])
        try:
            result = getattr(handler, _underscored(model.name))().result
        except (HTTPException, ServiceException):
            # A refused call has changed nothing. It is repeated as HTTP, so that errors are the double's own.
            return None
        fields = {name: value for name, value in result.items() if name in model.output_shape.members}
        copied = json.loads(json.dumps(fields))
        given = {name: value for name, value in copied.items() if value is not None}
        return OK, given | {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}}

    # Every call goes to one address. botocore would work it out each time.
    client._ruleset_resolver = None
    # Last, so that what a test counts is counted before.
    client.meta.events.register_last("before-call", answer, unique_id="short-way")
    _shorten(client, DynamoHandler.dispatch)


def shorten_s3(client: Any) -> None:
    """Lets a client with virtual hosts call S3's handlers."""

    def respond(request: Any, url: str, headers: Any) -> Any:
        is_bucket = urlsplit(url).path == "/"
        return (S3Response.bucket_dispatch if is_bucket else S3Response.key_dispatch)(request, url, headers)

    _shorten(client, respond)


def shorten_sqs(client: Any) -> None:
    """Lets a client call SQS's handlers."""
    _shorten(client, SQSResponse.dispatch)


def shorten_secrets_manager(client: Any) -> None:
    """Lets a client call the handlers of Secrets Manager."""
    _shorten(client, SecretsManagerResponse.dispatch)


# The double looks for its operations at every call.
_underscored = cache(camelcase_to_underscores)
responses.camelcase_to_underscores = _underscored  # type: ignore[attr-defined]
responses.method_names_from_class = cache(method_names_from_class)  # type: ignore[attr-defined]


def _shorten(client: Any, respond: Callable[[Any, str, Any], Any]) -> None:
    """Leaves out what a call inside the process does not need: signing, retries, a search among 200 services."""

    def call(model: Any, params: dict[str, Any], context: dict[str, Any], **_: object) -> tuple[Any, dict[str, Any]]:
        checksum = params["context"].get("checksum", {}).get("request_algorithm")
        if checksum:
            # Not in a trailer: only a signature says that the body has one.
            checksum["in"] = "header"
        apply_request_checksum(params)
        params["headers"]["Authorization"] = SIGNED
        request = create_request_object(params).prepare()
        answered, error = client._endpoint._do_get_response(request, model, context)
        if error:
            raise error
        return answered  # type: ignore[no-any-return]

    def answer(request: Any, **_: object) -> AWSResponse:
        normalized = normalize_request(request)
        try:
            status, headers, body = respond(normalized, normalized.raw_url, normalized.headers)
        except HTTPException as error:
            status, headers, body = error.code or 500, dict(error.get_headers()), error.get_body()
        return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), MockRawResponse(body))

    user_agent = client._user_agent_creator.to_string()
    client._user_agent_creator.to_string = lambda: user_agent
    client.meta.events.register_last("before-call", call, unique_id="short-call")
    client.meta.events.unregister("before-send", botocore_stubber)
    client.meta.events.register("before-send", answer, unique_id="short-send")
