"""The OpenAPI 3.1 document of the API, derived from the contract's models."""

from __future__ import annotations

from typing import Any

from kiln.contract.listing import ListQuery
from kiln.contract.usage import UsageQuery
from kiln.documents.openapi_operations import operation, parameter, prefer, query_parameters, refused
from kiln.documents.openapi_schemas import component_schemas
from kiln.intake.create import KEY_CHARACTERS

TITLE = "Kiln: multi-image to image"
VERSION = "1.0.0"
TASKS = "/v1/images/multi-image2image"

_WHERE_CREATED = {
    "Location": {"schema": {"type": "string"}, "description": "Where the task can be queried"},
    "Retry-After": {"schema": {"type": "integer"}, "description": "When a query is worth it, in seconds, by the queue"},
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
    either_id = parameter("path", "id", {"type": "string", "minLength": 1}, "The task's id, or its external id")
    batch_id = parameter("path", "id", {"type": "string", "minLength": 1}, "The batch's id, or its external id")
    external_id = parameter(
        "query",
        "external_task_id",
        {"type": "string", "minLength": 1},
        "With - as the id in the path: the external id of the task, which may have characters that no path can have",
    )
    idempotency_key = parameter(
        "header",
        "Idempotency-Key",
        {"type": "string", "maxLength": KEY_CHARACTERS},
        "The same key and request are the same task",
    )
    return {
        TASKS: {
            "post": operation(
                "createTask",
                "Create a task",
                "CreateOrFinishedAnswer",
                refusals=("400", "401", "413", "422", "429", "500", "504"),
                parameters=[
                    idempotency_key,
                    prefer(
                        "answer with the finished task if it ends within N s, {most} at most. A repeated wait with "
                        "the same key counts as one more task of the minute"
                    ),
                ],
                body="CreateRequest",
                headers=_WHERE_CREATED,
            ),
            "get": operation(
                "listTasks",
                "List the caller's tasks, newest first; with external_task_id, query that task",
                "ListOrQueryAnswer",
                refusals=("400", "401", "404", "500", "504"),
                parameters=[
                    *query_parameters(ListQuery),
                    parameter(
                        "query",
                        "external_task_id",
                        {"type": "string", "minLength": 1},
                        "Answer with the task of this external id, as an object (contract)",
                    ),
                ],
            ),
        },
        f"{TASKS}/{{id}}": {
            "get": operation(
                "getTask",
                "Query one task",
                "QueryAnswer",
                refusals=("401", "404", "429", "500", "504"),
                parameters=[
                    either_id,
                    external_id,
                    prefer(
                        "answer when the status changes, or after N s, {most} at most. A caller may send as many "
                        "waiting queries a minute as it may create tasks"
                    ),
                ],
            ),
            "delete": operation(
                "deleteTask",
                "Delete a task that has ended: its images, inputs, prompt and links, for good",
                "DeletedAnswer",
                refusals=("401", "404", "409", "500", "504"),
                parameters=[either_id, external_id],
            ),
        },
        f"{TASKS}/{{id}}/cancel": {
            "post": operation(
                "cancelTask",
                "Cancel a task that waits in the queue",
                "QueryAnswer",
                refusals=("401", "404", "409", "500", "504"),
                parameters=[either_id, external_id],
            )
        },
        f"{TASKS}/{{id}}/deliveries": {
            "get": operation(
                "listDeliveries",
                "Every attempt to deliver the task's changes to its callback_url",
                "DeliveriesAnswer",
                refusals=("401", "404", "500", "504"),
                parameters=[either_id, external_id],
            )
        },
        f"{TASKS}/{{id}}/progress": {
            "get": operation(
                "getProgress",
                "How far a task has come, and when it reached each step",
                "ProgressAnswer",
                refusals=("401", "404", "500", "504"),
                parameters=[either_id, external_id],
            )
        },
        f"{TASKS}/{{id}}/request": {
            "get": operation(
                "getRequest",
                "The request that created a task",
                "RequestAnswer",
                refusals=("401", "404", "500", "504"),
                parameters=[either_id, external_id],
            )
        },
        f"{TASKS}/{{id}}/retry": {
            "post": operation(
                "retryTask",
                "Create a task with the same request as one that has ended",
                "CreateAnswer",
                refusals=("400", "401", "404", "409", "422", "429", "500", "504"),
                parameters=[either_id, external_id, idempotency_key],
                headers=_WHERE_CREATED,
            )
        },
        "/v1/batches": {
            "post": operation(
                "createBatch",
                "Create a task for each job of a list",
                "CreateBatchAnswer",
                refusals=("400", "401", "413", "422", "429", "500", "504"),
                parameters=[idempotency_key],
                body="BatchRequest",
                headers={"Location": {"schema": {"type": "string"}, "description": "Where the batch can be queried"}},
            )
        },
        "/v1/batches/{id}": {
            "get": operation(
                "getBatch",
                "Query one batch: counts by status, and a page of its tasks",
                "BatchAnswer",
                refusals=("400", "401", "404", "500", "504"),
                parameters=[batch_id, *query_parameters(ListQuery)[:3]],
            )
        },
        "/v1/batches/{id}/cancel": {
            "post": operation(
                "cancelBatch",
                "Cancel the tasks of a batch that still wait for their turn",
                "BatchAnswer",
                refusals=("401", "404", "500", "504"),
                parameters=[batch_id],
            )
        },
        "/v1/uploads": {
            "post": operation(
                "openUpload",
                "Create an upload for one image (max 10 MB)",
                "UploadAnswer",
                refusals=("401", "429", "500", "504"),
            )
        },
        "/v1/usage": {
            "get": operation(
                "getUsage",
                "The caller's units, images, tasks and failures",
                "UsageAnswer",
                refusals=("400", "401", "500", "504"),
                parameters=query_parameters(UsageQuery),
            )
        },
        "/account/costs": {
            "get": operation(
                "getAccountCosts",
                "The caller's budget of this month, in the form of the provider's resource packs",
                "AccountCostsAnswer",
                refusals=("401", "500", "504"),
                parameters=[
                    parameter("query", name, {"type": "integer"}, "Milliseconds since the epoch; has no effect")
                    for name in ("start_time", "end_time")
                ],
            )
        },
        "/v1/webhooks/test": {
            "post": operation(
                "testWebhook",
                "Send one signed sample to a receiver, and answer with what it said",
                "WebhookTestAnswer",
                refusals=("400", "401", "429", "500", "504"),
                body="WebhookTestRequest",
            )
        },
        "/v1/results/{task_id}/{token}/{file}": {method: _result(method) for method in ("get", "head")},
        "/v1/callbacks/{task_id}/{token}": {
            "post": operation(
                "providerCallback",
                "Receive the provider's callback; it only wakes the task's workflow",
                "CallbackAnswer",
                refusals=("404", "413", "500", "504"),
                parameters=[
                    parameter("path", name, {"type": "string", "minLength": 1}, "From the callback's address")
                    for name in ("task_id", "token")
                ],
            )
            | {"security": []}
        },
    }


def _result(method: str) -> dict[str, Any]:
    parameters = [
        parameter("path", name, {"type": "string", "minLength": 1}, "From the result's link")
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
            **refused(("404", "500", "504")),
        },
    }
