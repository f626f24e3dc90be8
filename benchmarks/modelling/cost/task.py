"""Costs of one task, service by service: recorded counts times prices."""

from __future__ import annotations

import math

from benchmarks.data.counts import Counts, Work
from benchmarks.data.prices import GB, PriceList


def per_task(counts: Counts, prices: PriceList) -> float:
    """Return the dollars of one task whose input the provider reads from S3 once."""
    return sum(cost_of(counts, prices, inputs=1).values())


def billed_ms(work: Work, prices: PriceList) -> float:
    """Return the billed duration of all invocations of a function: CPU time at its share of a CPU, plus waiting.

    A cold start adds its import time at a whole CPU, which Lambda grants during initialisation.
    """
    share = min(1.0, work.memory_mb / prices.assumed("vcpu_memory_mb"))
    waves = math.ceil(work.images / prices.assumed("copies_at_once"))
    waited = (
        work.aws_calls * prices.assumed("aws_call_ms")
        + work.http_calls * prices.assumed("http_call_ms")
        + waves * prices.assumed("image_copy_ms")
    )
    factor = prices.assumed("cpu_factor")
    return work.cpu_ms * factor / share + work.init_cpu_ms * factor + waited


def gb_seconds(counts: Counts, prices: PriceList) -> float:
    """Return Lambda's GB-seconds of a task."""
    return sum(work.memory_mb / 1_024 * billed_ms(work, prices) / 1_000 for work in counts.work.values())


def cold_start_cost(cold: Counts, warm: Counts, prices: PriceList) -> float:
    """Return the extra dollars of a task for which each function starts cold: imports, a slower first call, secrets."""
    extra = cold.requests.get("secretsmanager.GetSecretValue", 0) * prices.of("secret_request")
    for function, work in cold.work.items():
        usual = warm.work[function].cpu_ms / warm.work[function].invocations
        slower = max(0.0, work.cpu_ms - usual * work.invocations)
        spent = work.model_copy(update={"cpu_ms": slower, "aws_calls": 0, "http_calls": 0, "images": 0})
        extra += work.memory_mb / 1_024 * billed_ms(spent, prices) / 1_000 * prices.of("lambda_gb_second")
    return extra


def traces(counts: Counts) -> int:
    """Return the traces of a task: one for each request from outside, for each start and for each workflow."""
    starts = counts.work["Start"].invocations if "Start" in counts.work else 0
    return counts.api_requests + starts + sum(counts.executions.values())


def cost_of(counts: Counts, prices: PriceList, *, inputs: int = 0, downloads: int = 0) -> dict[str, float]:
    """Return the dollars of the counts, by service.

    Args:
        counts: What was counted.
        prices: The prices.
        inputs: How many input images the provider reads from S3.
        downloads: How many images leave for the internet.
    """
    requests = counts.requests
    events = requests.get("events.PutEvents", 0)
    puts = sum(requests.get(f"s3.{name}", 0) for name in ("PutObject", "ListObjectsV2", "ListObjects"))
    gets = sum(requests.get(f"s3.{name}", 0) for name in ("GetObject", "HeadObject")) + inputs
    out_mb = inputs * prices.assumed("input_mb") + downloads * prices.assumed("result_mb")
    return {
        "API Gateway": counts.api_requests * prices.of("api_request"),
        "Lambda": counts.invocations * prices.of("lambda_request")
        + gb_seconds(counts, prices) * prices.of("lambda_gb_second"),
        "Step Functions": sum(counts.transitions.values()) * prices.of("transition"),
        "DynamoDB": sum(counts.write_units.values()) * prices.of("write_unit")
        + sum(counts.read_units.values()) * prices.of("read_unit"),
        "S3 requests": puts * prices.of("s3_put") + gets * prices.of("s3_get"),
        "EventBridge": events * prices.of("event")
        + events * prices.assumed("event_kb") / 1_000_000 * prices.of("archive_gb"),
        # A message is sent, received and deleted.
        "SQS": counts.queue_messages * 3 * prices.of("sqs_request"),
        "Secrets Manager": requests.get("secretsmanager.GetSecretValue", 0) * prices.of("secret_request"),
        "CloudWatch Logs": counts.log_bytes / GB * prices.of("log_gb"),
        "X-Ray": traces(counts) * prices.of("trace"),
        "Data out": out_mb / 1_000 * prices.of("out_gb"),
    }


def stored_a_month(counts: Counts, n: int, prices: PriceList) -> dict[str, float]:
    """Return the dollars for storing a task's images, its item with its backup, and its logs for one month."""
    item = counts.item_bytes.get("TASK", 0) / GB
    return {
        "images in S3": n * prices.assumed("result_mb") / 1_000 * prices.of("s3_gb_month"),
        # The listing index holds most of the item a second time; the backup holds the table only.
        "its item in DynamoDB": 2 * item * prices.of("table_gb_month") + item * prices.of("pitr_gb_month"),
        "its logs": counts.log_bytes / GB * prices.of("log_gb_month"),
    }
