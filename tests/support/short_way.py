"""The short way to the in-process doubles of DynamoDB and S3: their handlers are called without HTTP or a search."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse
from moto.core.exceptions import ServiceException
from moto.core.models import botocore_stubber
from moto.core.request import normalize_request
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.responses import DynamoHandler
from moto.s3.responses import S3Response
from werkzeug.exceptions import HTTPException

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
            result = getattr(handler, camelcase_to_underscores(model.name))().result
        except (HTTPException, ServiceException):
            # A refused call has changed nothing. It is repeated through HTTP, so that errors are the double's own.
            return None
        fields = {name: value for name, value in result.items() if name in model.output_shape.members}
        copied = json.loads(json.dumps(fields))
        given = {name: value for name, value in copied.items() if value is not None}
        return OK, given | {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}}

    # Last, so that what a test counts is counted before.
    client.meta.events.register_last("before-call", answer, unique_id="short-way")


def shorten_s3(client: Any) -> None:
    """Lets a client with virtual hosts find S3's handlers at once, not among the patterns of 200 services."""

    def answer(request: Any, **_: object) -> AWSResponse:
        normalized = normalize_request(request)
        is_bucket = urlsplit(request.url).path == "/"
        dispatch = S3Response.bucket_dispatch if is_bucket else S3Response.key_dispatch
        try:
            status, headers, body = dispatch(normalized, normalized.raw_url, normalized.headers)
        except HTTPException as error:
            status, headers, body = error.code or 500, dict(error.get_headers()), error.get_body()
        return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), MockRawResponse(body))

    client.meta.events.unregister("before-send", botocore_stubber)
    client.meta.events.register("before-send", answer, unique_id="short-way")
