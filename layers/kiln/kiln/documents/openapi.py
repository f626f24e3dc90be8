"""The OpenAPI 3.1 document of the API, derived from the contract's models."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from kiln.contract.listing import ListQuery
from kiln.documents.openapi_schemas import REFERENCE, component_schemas
from kiln.intake.create import KEY_CHARACTERS, LONGEST_WAIT_SECONDS

TITLE = "Kiln: multi-image to image"
VERSION = "1.0.0"
TASKS = "/v1/images/multi-image2image"

_REFUSALS = {
    "400": "A field breaks a limit (1201), or the body is not a JSON object (1200)",
    "401": "The caller is unknown (1000 to 1004)",
    "404": "This caller has nothing with this id or name (1203)",
    "409": "The task's status does not allow this (1201)",
    "413": "The body is too large (1201): upload large images first",
    "422": "The Idempotency-Key was used with another body (1201)",
    "429": "Too many requests (1302)",
    "500": "An internal error (5000)",
}


def openapi() -> dict[str, Any]:
    """The document, as plain JSON values."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": "The provider's contract of multi-image to image, and Kiln's additions to it. Every answer "
            "is an envelope of code, message, request_id and data; code 0 is success. A field that has no effect is "
            "named in the answer's header Kiln-Ignored-Fields, unless it belongs to another product of the provider.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {"url": ".", "description": "The Kiln that serves this document"},
            {"url": "http://127.0.0.1:8080", "description": "The local stack"},
        ],
        "security": [{"bearer": []}],
        "paths": _paths(),
        "components": {
            "schemas": component_schemas(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A plain key, or a JWT (HS256: iss = access key, exp, nbf) by the secret key",
                }
            },
        },
    }


def _paths() -> dict[str, Any]:
    either_id = _parameter("path", "id", {"type": "string", "minLength": 1}, "The task's id, or its external id")
    external_id = _parameter(
        "query",
        "external_task_id",
        {"type": "string", "minLength": 1},
        "With - as the id in the path: the external id of the task, which may have characters that no path can have",
    )
    idempotency_key = _parameter(
        "header",
        "Idempotency-Key",
        {"type": "string", "maxLength": KEY_CHARACTERS},
        "The same key and request are the same task",
    )
    return {
        TASKS: {
            "post": _operation(
                "createTask",
                "Create a task",
                "CreateOrFinishedAnswer",
                refusals=("400", "401", "413", "422", "429", "500"),
                parameters=[
                    idempotency_key,
                    _parameter(
                        "header",
                        "Prefer",
                        {"type": "string", "examples": ["wait=20"]},
                        f"wait=N: answer with the finished task if it ends within N s, {LONGEST_WAIT_SECONDS} at most. "
                        "A repeated wait with the same key counts as one more task of the minute",
                    ),
                ],
                body="CreateRequest",
            ),
            "get": _operation(
                "listTasks",
                "List the caller's tasks, newest first; with external_task_id, query that task",
                "ListOrQueryAnswer",
                refusals=("400", "401", "404", "500"),
                parameters=[
                    *_query_parameters(ListQuery),
                    _parameter(
                        "query",
                        "external_task_id",
                        {"type": "string", "minLength": 1},
                        "Answer with the task of this external id, as an object (contract)",
                    ),
                ],
            ),
        },
        f"{TASKS}/{{id}}": {
            "get": _operation(
                "getTask",
                "Query one task",
                "QueryAnswer",
                refusals=("401", "404", "500"),
                parameters=[either_id, external_id],
            )
        },
        f"{TASKS}/{{id}}/cancel": {
            "post": _operation(
                "cancelTask",
                "Cancel a task that waits for its turn",
                "QueryAnswer",
                refusals=("401", "404", "409", "500"),
                parameters=[either_id, external_id],
            )
        },
        f"{TASKS}/{{id}}/deliveries": {
            "get": _operation(
                "listDeliveries",
                "Every attempt to deliver the task's changes to its callback_url",
                "DeliveriesAnswer",
                refusals=("401", "404", "500"),
                parameters=[either_id, external_id],
            )
        },
        f"{TASKS}/{{id}}/progress": {
            "get": _operation(
                "getProgress",
                "How far a task has come, and when it reached each step",
                "ProgressAnswer",
                refusals=("401", "404", "500"),
                parameters=[either_id, external_id],
            )
        },
        f"{TASKS}/{{id}}/request": {
            "get": _operation(
                "getRequest",
                "The request that created a task",
                "RequestAnswer",
                refusals=("401", "404", "500"),
                parameters=[either_id, external_id],
            )
        },
        f"{TASKS}/{{id}}/retry": {
            "post": _operation(
                "retryTask",
                "Create a task with the same request as one that has ended",
                "CreateAnswer",
                refusals=("400", "401", "404", "409", "422", "429", "500"),
                parameters=[either_id, external_id, idempotency_key],
            )
        },
        "/v1/uploads": {
            "post": _operation(
                "openUpload",
                "Create an upload for one image (max 10 MB)",
                "UploadAnswer",
                refusals=("401", "429", "500"),
            )
        },
        "/v1/results/{task_id}/{token}/{file}": {method: _result(method) for method in ("get", "head")},
        "/v1/callbacks/{task_id}/{token}": {
            "post": _operation(
                "providerCallback",
                "Receive the provider's callback; it only wakes the task's workflow",
                "CallbackAnswer",
                refusals=("404", "413", "500"),
                parameters=[
                    _parameter("path", name, {"type": "string", "minLength": 1}, "From the callback's address")
                    for name in ("task_id", "token")
                ],
            )
            | {"security": []}
        },
    }


def _result(method: str) -> dict[str, Any]:
    parameters = [
        _parameter("path", name, {"type": "string", "minLength": 1}, "From the result's link")
        for name in ("task_id", "token", "file")
    ]
    return {
        "operationId": f"{method}Result",
        "summary": "Download a generated image (no key needed)",
        "security": [],
        "parameters": parameters,
        "responses": {
            "302": {
                "description": "To the image, for a few minutes",
                "headers": {"Location": {"schema": {"type": "string"}, "description": "The image in S3"}},
            },
            **_refused(("404", "500")),
        },
    }


def _operation(
    operation_id: str,
    summary: str,
    answer: str,
    *,
    refusals: tuple[str, ...],
    parameters: list[dict[str, Any]] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id,
        "summary": summary,
        "responses": {"200": {"description": "Success", **_content(answer)}, **_refused(refusals)},
    }
    if body or answer == "ListOrQueryAnswer":
        operation["responses"]["200"]["headers"] = {
            "Kiln-Ignored-Fields": {
                "schema": {"type": "string"},
                "description": "The fields or parameters that have no effect, percent-encoded, with commas between",
            }
        }
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, **_content(body)}
    return operation


def _refused(statuses: tuple[str, ...]) -> dict[str, Any]:
    return {status: {"description": _REFUSALS[status], **_content("Refusal")} for status in statuses}


def _content(model: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": REFERENCE.format(model=model)}}}}


def _parameter(place: str, name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "in": place,
        "name": name,
        "required": place == "path",
        "schema": schema,
        "description": description,
    }


def _query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(by_alias=True, ref_template=REFERENCE)
    parameters = []
    for name, field in schema["properties"].items():
        described = dict(field)
        described.pop("title", None)
        # A query parameter is there or it is not; it is never null.
        choices = [choice for choice in described.pop("anyOf", []) if choice.get("type") != "null"]
        described |= choices[0] if choices else {}
        described = {key: value for key, value in described.items() if value is not None}
        parameters.append(_parameter("query", name, described, described.pop("description", "")))
    return parameters
