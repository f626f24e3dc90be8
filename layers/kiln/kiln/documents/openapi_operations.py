"""The parts of an operation in the OpenAPI document: parameters, bodies, answers and refusals."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from kiln.documents.openapi_schemas import REFERENCE
from kiln.tasks.waiting import LONGEST_WAIT_SECONDS

_REFUSALS = {
    "400": "A field breaks a limit (1201), or the body is not a JSON object (1200)",
    "401": "The caller is unknown (1000 to 1004)",
    "404": "This caller has nothing with this id or name (1203)",
    "409": "The task's status does not allow this (1201)",
    "413": "The body is too large (1201): upload large images first",
    "422": "The Idempotency-Key was used with another body (1201)",
    "429": "Too many requests (1302), or the units of the month are used up (1102)",
    "500": "An internal error (5000)",
    "504": "No answer in time (5002): repeat the request",
}


def operation(
    operation_id: str,
    summary: str,
    answer: str,
    *,
    refusals: tuple[str, ...],
    parameters: list[dict[str, Any]] | None = None,
    body: str | None = None,
    headers: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One operation."""
    operation: dict[str, Any] = {
        "operationId": operation_id,
        "summary": summary,
        "responses": {"200": {"description": "Success", **_content(answer)}, **refused(refusals)},
    }
    if body or answer in ("ListOrQueryAnswer", "BatchAnswer"):
        operation["responses"]["200"]["headers"] = {
            "Kiln-Ignored-Fields": {
                "schema": {"type": "string"},
                "description": "The fields or parameters that have no effect, percent-encoded, with commas between",
            }
        }
    if headers:
        operation["responses"]["200"].setdefault("headers", {}).update(headers)
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, **_content(body)}
    return operation


def refused(statuses: tuple[str, ...]) -> dict[str, Any]:
    """The refusals of an operation, by their HTTP status."""
    return {status: {"description": _REFUSALS[status], **_content("Refusal")} for status in statuses}


def _content(model: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"$ref": REFERENCE.format(model=model)}}}}


def prefer(effect: str) -> dict[str, Any]:
    """The header ``Prefer``, whose effect differs by route."""
    schema = {"type": "string", "examples": ["wait=20"]}
    return parameter("header", "Prefer", schema, f"wait=N: {effect.format(most=LONGEST_WAIT_SECONDS)}")


def parameter(place: str, name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    """One parameter."""
    return {
        "in": place,
        "name": name,
        "required": place == "path",
        "schema": schema,
        "description": description,
    }


def query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The parameters of a query string, from their model."""
    schema = model.model_json_schema(by_alias=True, ref_template=REFERENCE)
    parameters = []
    for name, field in schema["properties"].items():
        described = dict(field)
        described.pop("title", None)
        # A query parameter is there or it is not; it is never null.
        choices = [choice for choice in described.pop("anyOf", []) if choice.get("type") != "null"]
        described |= choices[0] if choices else {}
        described = {key: value for key, value in described.items() if value is not None}
        parameters.append(parameter("query", name, described, described.pop("description", "")))
    return parameters
