"""Watches a stack while something runs on it, and counts what that used: workers' notes, stream, histories, logs."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.capacity import indexes_of, item_bytes, read_units, units_of_change, write_units
from benchmarks.counts import Counts, Work
from local.stack import STACK_NAME, Stack

TOKEN_BYTES = 800
"""About the length of AWS's task tokens; the local ones are shorter, and they lie in the item that is written."""


class Observer:
    """Looks at everything that a stack leaves traces of.

    Args:
        stack: The stack.
        notes: The folder in which its workers note what they do.
    """

    def __init__(self, stack: Stack, notes: Path) -> None:
        self._stack = stack
        self._here = stack.description
        self._notes = notes
        aws = stack.clients
        self._streams = aws.client("dynamodbstreams")
        self._logs = aws.client("logs")
        table: Any = aws.dynamodb.describe_table(TableName=self._here["table"])["Table"]
        self._indexes = indexes_of(table)
        self._stream_arn = table["LatestStreamArn"]
        self._memory = {
            function["FunctionName"]: function["MemorySize"]
            for page in aws.client("lambda").get_paginator("list_functions").paginate()
            for function in page["Functions"]
        }
        self._machines = [each["stateMachineArn"] for each in aws.stepfunctions.list_state_machines()["stateMachines"]]

    def executions(self) -> list[dict[str, Any]]:
        """Every execution of either workflow so far."""
        found = []
        for arn in self._machines:
            pages: Any = self._stack.clients.stepfunctions.get_paginator("list_executions").paginate(
                stateMachineArn=arn
            )
            found += [each for page in pages for each in page["executions"]]
        return found

    def lines(self) -> list[dict[str, Any]]:
        """Everything that the workers have noted so far."""
        texts = [path.read_text(encoding="utf-8") for path in self._notes.glob("*.jsonl")]
        # A line that is being written has no end yet.
        return [json.loads(line) for text in texts for line in text.splitlines(keepends=True) if line.endswith("\n")]

    @contextlib.contextmanager
    def watch(self) -> Iterator[Counts]:
        """Fills the counts with everything that happens within the block."""
        counts = Counts()
        lines_before = {json.dumps(line, sort_keys=True) for line in self.lines()}
        changes_before = len(self._changes())
        executions_before = {each["executionArn"] for each in self.executions()}
        began = time.time()
        yield counts
        lines = [line for line in self.lines() if json.dumps(line, sort_keys=True) not in lines_before]
        self._count_calls(counts, lines)
        executions = [each for each in self.executions() if each["executionArn"] not in executions_before]
        refused = self._count_executions(counts, executions)
        self._count_changes(counts, changes_before, lines, refused)
        self._count_logs(counts, began)

    def _count_calls(self, counts: Counts, lines: list[dict[str, Any]]) -> None:
        provider_port = httpx.URL(self._here["provider_url"]).port
        for line in lines:
            function = short_name(line["function"])
            work = counts.work.setdefault(function, Work(memory_mb=self._memory[line["function"]]))
            if line["kind"] == "invocation":
                work.invocations += 1
                work.cold += line["cold"]
                work.cpu_ms += line["cpu_ms"]
                work.init_cpu_ms += line["init_cpu_ms"]
                counts.api_requests += line["door"] == "http"
                counts.queue_messages += line["messages"]
            elif line["kind"] == "aws":
                counts.add_request(f"{line['service']}.{line['operation']}", 1)
                work.aws_calls += 1
            elif line["kind"] == "http":
                to = "provider" if line["port"] == provider_port else "webhook"
                counts.http[to] = counts.http.get(to, 0) + 1
                work.http_calls += 1
            elif line["method"] == "GET":
                work.images += 1
            else:
                # What is written by a presigned link is a request to S3 as well.
                counts.add_request("s3.PutObject", 1)
                work.aws_calls += function != "Collect"

    def _count_executions(self, counts: Counts, executions: list[dict[str, Any]]) -> Counter[str]:
        """Counts states and what they call themselves; gives those whose condition failed, by name."""
        refused: Counter[str] = Counter()
        step_functions = self._stack.clients.stepfunctions
        for execution in executions:
            kind = "notification" if "Notification" in execution["stateMachineArn"] else "task"
            definition: Any = step_functions.describe_state_machine(stateMachineArn=execution["stateMachineArn"])
            states = json.loads(definition["definition"])["States"]
            pages: Any = step_functions.get_paginator("get_execution_history").paginate(
                executionArn=execution["executionArn"]
            )
            history = [event for page in pages for event in page["events"]]
            entered = _entered(history, refused)
            counts.executions[kind] = counts.executions.get(kind, 0) + 1
            # The start counts as one, too.
            counts.transitions[kind] = counts.transitions.get(kind, 0) + len(entered) + 1
            counts.history_events[kind] = max(counts.history_events.get(kind, 0), len(history))
            for name in entered:
                counts.states[name] = counts.states.get(name, 0) + 1
                call = _native_call(states[name].get("Resource", ""))
                if call:
                    counts.add_request(call, 1)
        return refused

    def _changes(self) -> list[dict[str, Any]]:
        """Every change of the table so far, in order."""
        found: list[dict[str, Any]] = []
        for shard in self._streams.describe_stream(StreamArn=self._stream_arn)["StreamDescription"]["Shards"]:
            cursor = self._streams.get_shard_iterator(
                StreamArn=self._stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while cursor:
                answer = self._streams.get_records(ShardIterator=cursor, Limit=1_000)
                found += [record["dynamodb"] for record in answer["Records"]]
                cursor = answer.get("NextShardIterator") if answer["Records"] else None
        return found

    def _count_changes(self, counts: Counts, before: int, lines: list[dict[str, Any]], refused: Counter[str]) -> None:
        images: dict[str, dict[str, Any]] = {}
        for number, change in enumerate(self._changes()):
            key, image = change["Keys"]["pk"]["S"], _as_on_aws(change.get("NewImage"))
            if number >= before:
                counts.add_writes(_kind(key), units_of_change(images.get(key), image, self._indexes))
            if image is None:
                images.pop(key, None)
            else:
                images[key] = image
                counts.item_bytes[_kind(key)] = item_bytes(image)
        _count_calls_of_the_table(counts, [line for line in lines if line.get("service") == "dynamodb"], images)
        for state, number in refused.items():
            # The same of the workflow's own writes: no room for a slot, or a bell that rang before the parking.
            kind = "SLOTS" if state == "TakeSlot" else "TASK"
            counts.add_writes(kind, {"": number * write_units(counts.item_bytes.get(kind, 0))})

    def _count_logs(self, counts: Counts, began: float) -> None:
        metrics: set[str] = set()
        for group in self._logs.describe_log_groups()["logGroups"]:
            pages: Any = self._logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"], startTime=int(began * 1_000)
            )
            for message in (event["message"] for page in pages for event in page["events"]):
                # CloudWatch adds 26 bytes to each event.
                counts.log_bytes += len(message.encode()) + 26
                counts.log_lines += 1
                metrics.update(_metrics_in(message))
        counts.metrics = sorted(metrics)


def _entered(history: list[dict[str, Any]], refused: Counter[str]) -> list[str]:
    """The states that were entered, in order; those whose condition failed are counted for their charge."""
    entered: list[str] = []
    for event in history:
        if "stateEnteredEventDetails" in event:
            entered.append(event["stateEnteredEventDetails"]["name"])
        elif "ConditionalCheckFailed" in event.get("taskFailedEventDetails", {}).get("error", ""):
            refused[entered[-1]] += 1
    return entered


def _count_calls_of_the_table(counts: Counts, calls: list[dict[str, Any]], images: dict[str, Any]) -> None:
    """Counts reads, and writes whose condition failed; those that were made are in the table's stream."""
    for call in calls:
        asked = call["table_call"]
        key = asked.get("Key", asked.get("Item", {})).get("pk", {}).get("S", "")
        if call["operation"] == "TransactWriteItems" and not call["failed"]:
            # A transaction writes everything twice; the stream tells of it once.
            for item in (each["Put"]["Item"] for each in asked["TransactItems"]):
                counts.add_writes(_kind(item["pk"]["S"]), {"": write_units(item_bytes(item))})
        elif call["operation"] in ("UpdateItem", "PutItem") and call["failed"]:
            # A condition that fails is charged for the item it was held against.
            counts.add_writes(_kind(key), {"": write_units(item_bytes(images.get(key, {})))})
        elif call["operation"] in ("GetItem", "Query"):
            # What is charged is the whole item, whatever part of it is asked for.
            items = [images.get(key, {})] if "ProjectionExpression" in asked else call["items"]
            units = read_units([item_bytes(each) for each in items], consistent=asked.get("ConsistentRead", False))
            counts.add_reads(_kind(key) if key else asked["IndexName"], units)


def _metrics_in(message: str) -> Iterator[str]:
    """The metrics that a log line carries, each with the values of its dimensions."""
    with contextlib.suppress(ValueError):
        line = json.loads(message)
        for directive in line["_aws"]["CloudWatchMetrics"] if isinstance(line, dict) and "_aws" in line else ():
            for dimensions in directive["Dimensions"]:
                values = ", ".join(str(line[name]) for name in sorted(dimensions) if name != "service")
                yield from (f"{metric['Name']}({values})" for metric in directive["Metrics"])


def _as_on_aws(image: dict[str, Any] | None) -> dict[str, Any] | None:
    if image is None or "task_token" not in image:
        return image
    return {**image, "task_token": {"S": image["task_token"]["S"].ljust(TOKEN_BYTES, "=")}}


def short_name(function: str) -> str:
    """A function's name as the template has it, without *Function*."""
    return function.removeprefix(f"{STACK_NAME}-").split("-")[0].removesuffix("Function")


def _kind(key: str) -> str:
    return key.partition("#")[0]


_SERVICES = {"dynamodb": "dynamodb", "events": "events", "states": "stepfunctions"}


def _native_call(resource: str) -> str:
    """The request that a state makes by itself: ``dynamodb.UpdateItem``; nothing for a Lambda, which counts its own."""
    action = resource.partition(":states:::")[2].removesuffix(".waitForTaskToken").removeprefix("aws-sdk:")
    service, _, operation = action.partition(":")
    return f"{_SERVICES[service]}.{operation[:1].upper()}{operation[1:]}" if service in _SERVICES else ""
