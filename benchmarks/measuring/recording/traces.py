"""Reads the traces of a stack: histories, log lines and table calls, and how AWS charges for them."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchmarks.data.counts import Counts
from benchmarks.modelling.dynamodb_units import item_bytes, read_units, write_units
from local.stack import STACK_NAME

TOKEN_BYTES = 800
"""About the length of AWS's task tokens. The local ones are shorter, and the written item contains them."""


def entered_states(history: list[dict[str, Any]], refused: Counter[str]) -> list[str]:
    """Return the entered states in order, and count those whose condition failed in ``refused``, for their charge."""
    entered: list[str] = []
    for event in history:
        if "stateEnteredEventDetails" in event:
            entered.append(event["stateEnteredEventDetails"]["name"])
        elif "ConditionalCheckFailed" in event.get("taskFailedEventDetails", {}).get("error", ""):
            refused[entered[-1]] += 1
    return entered


def count_table_calls(counts: Counts, calls: list[dict[str, Any]], images: dict[str, Any]) -> None:
    """Count reads, transactions, and writes whose condition failed. Other writes are in the table's stream."""
    for call in calls:
        request = call["table_call"]
        key = request.get("Key", request.get("Item", {})).get("pk", {}).get("S", "")
        if call["operation"] == "TransactWriteItems" and not call["failed"]:
            # A transaction costs two writes for each item; the stream contains one.
            for (write,) in (each.values() for each in request["TransactItems"]):
                changed = write.get("Item") or images.get(write["Key"]["pk"]["S"], write["Key"])
                counts.add_writes(kind_of(changed["pk"]["S"]), {"": write_units(item_bytes(changed))})
        elif call["operation"] in ("UpdateItem", "PutItem") and call["failed"]:
            # A failed condition is charged for the item that it was checked against.
            counts.add_writes(kind_of(key), {"": write_units(item_bytes(images.get(key, {})))})
        elif call["operation"] in ("GetItem", "Query"):
            # DynamoDB charges the whole item, also if only a part is requested.
            items = [images.get(key, {})] if "ProjectionExpression" in request else call["items"]
            units = read_units([item_bytes(each) for each in items], consistent=request.get("ConsistentRead", False))
            counts.add_reads(kind_of(key) if key else request["IndexName"], units)


def metrics_in(message: str) -> Iterator[str]:
    """Yield the metrics in a log line, each with the values of its dimensions."""
    with contextlib.suppress(ValueError):
        line = json.loads(message)
        for directive in line["_aws"]["CloudWatchMetrics"] if isinstance(line, dict) and "_aws" in line else ():
            for dimensions in directive["Dimensions"]:
                values = ", ".join(str(line[name]) for name in sorted(dimensions) if name != "service")
                yield from (f"{metric['Name']}({values})" for metric in directive["Metrics"])


def as_on_aws(image: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a changed item with a task token of the length that AWS gives it."""
    if image is None or "task_token" not in image:
        return image
    return {**image, "task_token": {"S": image["task_token"]["S"].ljust(TOKEN_BYTES, "=")}}


def short_name(function: str) -> str:
    """Return a function's name in the template, without ``Function``."""
    return function.removeprefix(f"{STACK_NAME}-").split("-")[0].removesuffix("Function")


def kind_of(key: str) -> str:
    return key.partition("#")[0]


_SERVICES = {"dynamodb": "dynamodb", "events": "events", "states": "stepfunctions"}


def native_call(resource: str) -> str:
    """Return a state's native request, as ``dynamodb.UpdateItem``; empty for a Lambda, which notes its own calls."""
    action = resource.partition(":states:::")[2].removesuffix(".waitForTaskToken").removeprefix("aws-sdk:")
    service, _, operation = action.partition(":")
    return f"{_SERVICES[service]}.{operation[:1].upper()}{operation[1:]}" if service in _SERVICES else ""
