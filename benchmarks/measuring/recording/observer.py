"""Counts what a stack uses while something runs on it, from workers' notes, the stream, histories and logs."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.data.counts import Counts, Work
from benchmarks.measuring.recording import traces
from benchmarks.modelling.dynamodb_units import indexes_of, item_bytes, units_of_change, write_units
from local import function_logs
from local.stack import Stack


class Observer:
    """Reads every trace that a running stack leaves.

    Args:
        stack: The stack.
        notes: The folder of its workers' notes.
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
        """Return every execution of either workflow so far."""
        executions = []
        for arn in self._machines:
            pages: Any = self._stack.clients.stepfunctions.get_paginator("list_executions").paginate(
                stateMachineArn=arn
            )
            executions += [each for page in pages for each in page["executions"]]
        return executions

    def lines(self) -> list[dict[str, Any]]:
        """Return every note of the workers so far."""
        files = [path.read_text(encoding="utf-8") for path in self._notes.glob("*.jsonl")]
        # The last line may still be incomplete.
        return [json.loads(line) for file in files for line in file.splitlines(keepends=True) if line.endswith("\n")]

    @contextlib.contextmanager
    def watch(self) -> Iterator[Counts]:
        """Count everything that happens within the ``with`` block. The counts are filled when it ends."""
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
            function = traces.short_name(line["function"])
            work = counts.work.setdefault(function, Work(memory_mb=self._memory[line["function"]]))
            if line["kind"] == "invocation":
                work.invocations += 1
                work.cold += line["cold"]
                work.cpu_ms += line["cpu_ms"]
                work.init_cpu_ms += line["init_cpu_ms"]
                counts.api_requests += line["is_api"]
                counts.queue_messages += line["messages"]
            elif line["kind"] == "aws":
                counts.add_request(f"{line['service']}.{line['operation']}", 1)
                work.aws_calls += 1
            elif line["kind"] == "http":
                to = "provider" if line["port"] == provider_port else "webhook"
                counts.http[to] = counts.http.get(to, 0) + 1
                work.http_calls += 1
            elif line["method"] == "GET" and line["port"] == provider_port:
                work.images += 1
            elif line["method"] == "GET":
                counts.add_request("s3.GetObject", 1)
                # A preview is made of a stored image. Its own write is counted here too.
                work.aws_calls += 2 if function == "Collect" else 1
            else:
                # A write to a presigned link is a request to S3 too.
                counts.add_request("s3.PutObject", 1)
                work.aws_calls += function != "Collect"

    def _count_executions(self, counts: Counts, executions: list[dict[str, Any]]) -> Counter[str]:
        """Count states and their native calls. Returns the states whose condition failed, by name."""
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
            entered = traces.entered_states(history, refused)
            counts.executions[kind] = counts.executions.get(kind, 0) + 1
            # The start counts as a transition too.
            counts.transitions[kind] = counts.transitions.get(kind, 0) + len(entered) + 1
            counts.history_events[kind] = max(counts.history_events.get(kind, 0), len(history))
            for name in entered:
                counts.states[name] = counts.states.get(name, 0) + 1
                call = traces.native_call(states[name].get("Resource", ""))
                if call:
                    counts.add_request(call, 1)
        return refused

    def _changes(self) -> list[dict[str, Any]]:
        """Return every change of the table so far, in order."""
        changes: list[dict[str, Any]] = []
        for shard in self._streams.describe_stream(StreamArn=self._stream_arn)["StreamDescription"]["Shards"]:
            cursor = self._streams.get_shard_iterator(
                StreamArn=self._stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while cursor:
                answer = self._streams.get_records(ShardIterator=cursor, Limit=1_000)
                changes += [record["dynamodb"] for record in answer["Records"]]
                cursor = answer.get("NextShardIterator") if answer["Records"] else None
        return changes

    def _count_changes(self, counts: Counts, before: int, lines: list[dict[str, Any]], refused: Counter[str]) -> None:
        images: dict[str, dict[str, Any]] = {}
        for number, change in enumerate(self._changes()):
            key, image = change["Keys"]["pk"]["S"], traces.as_on_aws(change.get("NewImage"))
            if number >= before:
                counts.add_writes(traces.kind_of(key), units_of_change(images.get(key), image, self._indexes))
            if image is None:
                images.pop(key, None)
            else:
                images[key] = image
                counts.item_bytes[traces.kind_of(key)] = item_bytes(image)
        traces.count_table_calls(counts, [line for line in lines if line.get("service") == "dynamodb"], images)
        for number in refused.values():
            # A native write is refused if a wake-up was requested before the parking.
            kind = "TASK"
            counts.add_writes(kind, {"": number * write_units(counts.item_bytes.get(kind, 0))})

    def _count_logs(self, counts: Counts, began: float) -> None:
        metrics: set[str] = set()
        for group in self._logs.describe_log_groups()["logGroups"]:
            for _, message in function_logs.lines(self._logs, group["logGroupName"], since=began):
                # CloudWatch adds 26 bytes to each event.
                counts.log_bytes += len(message.encode()) + 26
                counts.log_lines += 1
                metrics.update(traces.metrics_in(message))
        counts.metrics = sorted(metrics)
