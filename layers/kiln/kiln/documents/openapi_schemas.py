"""The schemas of the OpenAPI document: the contract's models under the names that readers see."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from kiln.contract.answers import CreatedTask, DeletedTask, FoundTask
from kiln.contract.batch import CreatedBatch, FoundBatch
from kiln.contract.batch_request import BatchRequest
from kiln.contract.envelope import Envelope, Refusal
from kiln.contract.listing import ListQuery
from kiln.contract.progress import Progress, StoredRequest
from kiln.contract.request import CreateRequest
from kiln.contract.usage import AccountCosts, UsageQuery, UsageRow
from kiln.intake.sample_webhook import WebhookTest, WebhookTestRequest
from kiln.intake.uploads import Upload
from kiln.tasks.task import DeliveryRecord

REFERENCE = "#/components/schemas/{model}"
_NAMES: dict[type[BaseModel], str] = {
    Envelope[CreatedTask]: "CreateAnswer",
    Envelope[CreatedTask | FoundTask]: "CreateOrFinishedAnswer",
    Envelope[FoundTask]: "QueryAnswer",
    Envelope[list[FoundTask] | FoundTask]: "ListOrQueryAnswer",
    Envelope[Progress]: "ProgressAnswer",
    Envelope[StoredRequest]: "RequestAnswer",
    Envelope[list[DeliveryRecord]]: "DeliveriesAnswer",
    Envelope[list[UsageRow]]: "UsageAnswer",
    Envelope[AccountCosts]: "AccountCostsAnswer",
    Envelope[DeletedTask]: "DeletedAnswer",
    Envelope[Upload]: "UploadAnswer",
    Envelope[list[str]]: "CallbackAnswer",
    Envelope[CreatedBatch]: "CreateBatchAnswer",
    Envelope[FoundBatch]: "BatchAnswer",
    Envelope[WebhookTest]: "WebhookTestAnswer",
}

_ASKED = (CreateRequest, ListQuery, UsageQuery, BatchRequest, WebhookTestRequest)
_QUERIES = frozenset({"ListQuery", "UsageQuery"})
"""Their fields are parameters of their operations, so only the schemas that they refer to are published."""


def component_schemas() -> dict[str, Any]:
    """The schemas by name, as plain JSON values."""
    answers: list[tuple[type[BaseModel], Any]] = [(model, "serialization") for model in _NAMES]
    answers.append((Refusal, "serialization"))
    _, schema = models_json_schema(
        [*((model, "validation") for model in _ASKED), *answers],
        ref_template=REFERENCE,
        schema_generator=_AnswersAreWhole,
    )
    text = schema["$defs"]
    _describe_defaults(text["CreateRequest"])
    return {_named(name): _renamed(definition) for name, definition in sorted(text.items()) if name not in _QUERIES}


class _AnswersAreWhole(GenerateJsonSchema):
    """Marks every field of an answer as required that is always sent: all but empty ones that are left out."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        """Whether a field is always there."""
        required = super().field_is_required(field, total)
        if required or self.mode != "serialization" or "serialization_exclude_if" in field:
            return required
        # An envelope is written without its nulls.
        inner = field["schema"]
        return (inner["type"] == "default" and inner.get("default") is not None) or "default_factory" in inner


def _describe_defaults(request: dict[str, Any]) -> None:
    """Moves defaults into the descriptions: generators of clients make a field with a default required."""
    for field in request["properties"].values():
        if "default" in field:
            default = field.pop("default")
            if default is not None and not isinstance(default, dict):
                field["description"] = f"{field.get('description', '')} (default: {default})".strip()


def _named(name: str) -> str:
    for model, public in _NAMES.items():
        if name == _definition_name(model):
            return public
    return name


def _definition_name(model: type[BaseModel]) -> str:
    return "".join(character if character.isalnum() else "_" for character in model.__name__)


def _renamed(node: Any) -> Any:
    if isinstance(node, dict):
        renamed = {key: _renamed(value) for key, value in node.items() if key != "title"}
        reference = node.get("$ref")
        if isinstance(reference, str):
            prefix, _, name = reference.rpartition("/")
            renamed["$ref"] = f"{prefix}/{_named(name)}"
        return renamed
    if isinstance(node, list):
        return [_renamed(each) for each in node]
    return node
