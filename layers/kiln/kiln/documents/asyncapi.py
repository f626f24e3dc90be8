"""The AsyncAPI 3.0 document and the JSON Schemas of what Kiln tells: events on the bus, and webhooks to callers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from kiln.contract.answers import CallbackBody
from kiln.contract.batch import FinishedBatch
from kiln.contract.request import CreateRequest
from kiln.deletion_events import DELETED, DeletionEvent
from kiln.documents.openapi import VERSION
from kiln.events import DETAIL_TYPES, SOURCE, TaskEvent
from kiln.intake.bus_request import DETAIL_TYPE as REQUESTED
from kiln.refusal_events import REFUSED, RefusalEvent
from kiln.workflow.batch import FINISHED, BatchEvent
from kiln.workflow.budget import NEARLY_USED, BudgetEvent

_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


class RequestEvent(BaseModel):
    """The ``detail`` of ``Image Task Requested``: what a team puts on the bus to have a task made."""

    data: CreateRequest = Field(description="The contract's create body; images as URLs")


def schemas() -> dict[str, dict[str, Any]]:
    """A JSON Schema by file name for each kind of message."""
    published: dict[str, tuple[type[BaseModel], str]] = {
        "image-task-event.json": (TaskEvent, "serialization"),
        "image-task-refused.json": (RefusalEvent, "serialization"),
        "image-task-requested.json": (RequestEvent, "validation"),
        "image-task-deleted.json": (DeletionEvent, "serialization"),
        "image-batch-finished.json": (BatchEvent, "serialization"),
        "image-budget-nearly-used.json": (BudgetEvent, "serialization"),
        "callback.json": (CallbackBody, "serialization"),
        "batch-callback.json": (FinishedBatch, "serialization"),
    }
    return {
        name: {
            "$schema": _SCHEMA,
            **model.model_json_schema(mode="serialization" if mode == "serialization" else "validation"),
        }
        for name, (model, mode) in published.items()
    }


def asyncapi() -> dict[str, Any]:
    """The document, as plain JSON values; payloads are the JSON Schemas beside it."""
    sent = {_key(name): _message(name, "image-task-event.json") for name in DETAIL_TYPES.values()}
    sent[_key(REFUSED)] = _message(REFUSED, "image-task-refused.json")
    sent[_key(DELETED)] = _message(DELETED, "image-task-deleted.json")
    sent[_key(FINISHED)] = _message(FINISHED, "image-batch-finished.json")
    sent[_key(NEARLY_USED)] = _message(NEARLY_USED, "image-budget-nearly-used.json")
    asked = {_key(REQUESTED): _message(REQUESTED, "image-task-requested.json")}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kiln: events and webhooks",
            "version": VERSION,
            "description": f"Events have the source {SOURCE} and the message's title as their detail-type; the payload "
            "is the event's detail. An event that is sent twice has the same metadata.event_id.",
        },
        "channels": {
            "bus": {
                "address": "the stack's event bus (output EventBusName)",
                "description": "An EventBridge bus",
                "messages": sent | asked,
            },
            "webhook": {
                "address": "the callback_url of a task, or of a batch",
                "description": "HTTPS POST by Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature",
                "messages": {
                    "callback": _message("Callback", "callback.json"),
                    "batchCallback": _message("Batch callback", "batch-callback.json"),
                },
            },
        },
        "operations": {
            "tellBus": {
                "action": "send",
                "channel": {"$ref": "#/channels/bus"},
                "messages": [{"$ref": f"#/channels/bus/messages/{key}"} for key in sent],
            },
            "takeRequest": {
                "action": "receive",
                "channel": {"$ref": "#/channels/bus"},
                "messages": [{"$ref": f"#/channels/bus/messages/{key}"} for key in asked],
            },
            "tellCaller": {
                "action": "send",
                "channel": {"$ref": "#/channels/webhook"},
                "messages": [{"$ref": f"#/channels/webhook/messages/{key}"} for key in ("callback", "batchCallback")],
            },
        },
    }


def _message(title: str, schema: str) -> dict[str, Any]:
    return {"title": title, "contentType": "application/json", "payload": {"$ref": f"schemas/{schema}"}}


def _key(title: str) -> str:
    words = title.split()
    return words[0].lower() + "".join(words[1:])
