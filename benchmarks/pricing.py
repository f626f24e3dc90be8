"""Puts prices to counts: what a task costs, service by service, and what an installation costs at rest."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.counts import Counts, Work

FILE = Path(__file__).with_name("prices.toml")
GB = 1_000_000_000


@dataclass(frozen=True)
class Price:
    """A line of the price list.

    Attributes:
        unit: What is paid for.
        page: Where the provider of the price publishes it.
        amounts: By region, in dollars.
    """

    unit: str
    page: str
    amounts: Mapping[str, float]


@dataclass(frozen=True)
class Assumption:
    """A figure that nothing here can measure.

    Attributes:
        value: The figure.
        what: What it says.
    """

    value: float
    what: str


class PriceList:
    """The prices of one region, and what the figures assume.

    Args:
        region: ``us`` or ``sg``.
        path: The file.
    """

    def __init__(self, region: str = "us", path: Path = FILE) -> None:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        self.regions: dict[str, str] = read["regions"]
        self.region = region
        self.written_down: str = read["written_down"]
        self.lines = {
            name: Price(line["unit"], line["page"], {each: line[each] for each in self.regions})
            for name, line in read["prices"].items()
        }
        self.assumptions = {name: Assumption(line["value"], line["what"]) for name, line in read["assumptions"].items()}

    def of(self, name: str) -> float:
        """A price."""
        return self.lines[name].amounts[self.region]

    def assumed(self, name: str) -> float:
        """An assumption."""
        return self.assumptions[name].value

    @cached_property
    def monthly(self) -> float:
        """Hours of a month."""
        return self.assumed("month_hours")


def billed_ms(work: Work, prices: PriceList) -> float:
    """Billed duration of all invocations of a function: its CPU time at its share of a CPU, and what it waited for.

    A cold start's import time comes on top, at a whole CPU: AWS lends one for it.
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
    """Lambda's GB-seconds of a task."""
    return sum(work.memory_mb / 1_024 * billed_ms(work, prices) / 1_000 for work in counts.work.values())


def cold_start_cost(cold: Counts, warm: Counts, prices: PriceList) -> float:
    """What it costs that each of a task's functions starts cold once: imports, a slower first call, secrets to read."""
    extra = cold.requests.get("secretsmanager.GetSecretValue", 0) * prices.of("secret_request")
    for function, work in cold.work.items():
        usual = warm.work[function].cpu_ms / warm.work[function].invocations
        slower = max(0.0, work.cpu_ms - usual * work.invocations)
        spent = work.model_copy(update={"cpu_ms": slower, "aws_calls": 0, "http_calls": 0, "images": 0})
        extra += work.memory_mb / 1_024 * billed_ms(spent, prices) / 1_000 * prices.of("lambda_gb_second")
    return extra


def traces(counts: Counts) -> int:
    """Traces of a task: each request that comes in from outside, and each workflow, begins one."""
    starts = counts.work["Start"].invocations if "Start" in counts.work else 0
    return counts.api_requests + starts + sum(counts.executions.values())


def cost_of(counts: Counts, prices: PriceList, *, inputs: int = 0, downloads: int = 0) -> dict[str, float]:
    """Dollars of what was counted, by service.

    Args:
        counts: What was counted.
        prices: The prices.
        inputs: How many input images the provider reads from S3.
        downloads: How many images leave for the internet.
    """
    requests = counts.requests
    events = requests.get("events.PutEvents", 0)
    invocations = sum(work.invocations for work in counts.work.values())
    puts = sum(requests.get(f"s3.{name}", 0) for name in ("PutObject", "ListObjectsV2", "ListObjects"))
    gets = sum(requests.get(f"s3.{name}", 0) for name in ("GetObject", "HeadObject")) + inputs
    out_mb = inputs * prices.assumed("input_mb") + downloads * prices.assumed("result_mb")
    return {
        "API Gateway": counts.api_requests * prices.of("api_request"),
        "Lambda": invocations * prices.of("lambda_request")
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


def kept_a_month(counts: Counts, n: int, prices: PriceList) -> dict[str, float]:
    """Dollars for keeping what a task leaves behind for one month: its images, its item with backup, its logs."""
    item = counts.item_bytes.get("TASK", 0) / GB
    return {
        "images in S3": n * prices.assumed("result_mb") / 1_000 * prices.of("s3_gb_month"),
        # The listing index holds most of the item once more; the backup holds the table's part.
        "its item in DynamoDB": 2 * item * prices.of("table_gb_month") + item * prices.of("pitr_gb_month"),
        "its logs": counts.log_bytes / GB * prices.of("log_gb_month"),
    }


@dataclass(frozen=True)
class Standing:
    """Something that is charged for by the month.

    Attributes:
        what: It is.
        number: How many of it.
        monthly: Dollars a month for all of them.
        is_watching: Whether it is there for people to see how tasks fare, rather than for the tasks.
    """

    what: str
    number: int
    monthly: float
    is_watching: bool = False


def standing(template: Mapping[str, Any], prices: PriceList) -> list[Standing]:
    """What an installation costs a month without a single task.

    Args:
        template: The SAM template.
        prices: The prices.
    """
    resources = template["Resources"].values()
    types = [resource["Type"] for resource in resources]
    alarms = sum(_alarm_metrics(each["Properties"]) for each in resources if each["Type"] == "AWS::CloudWatch::Alarm")
    composites = types.count("AWS::CloudWatch::CompositeAlarm")
    dashboards = types.count("AWS::CloudWatch::Dashboard")
    secrets = types.count("AWS::SecretsManager::Secret")
    queues = sum(
        event["Type"] == "SQS"
        for resource in resources
        for event in resource.get("Properties", {}).get("Events", {}).values()
    )
    polls = prices.monthly * 3_600 / prices.assumed("poll_wait_s") * prices.assumed("pollers")
    return [
        Standing("secrets", secrets, secrets * prices.of("secret_month")),
        Standing("metrics that alarms watch", alarms, alarms * prices.of("alarm_month"), is_watching=True),
        Standing("alarms made of alarms", composites, composites * prices.of("composite_month"), is_watching=True),
        Standing("dashboards", dashboards, dashboards * prices.of("dashboard_month"), is_watching=True),
        Standing("queues that a function listens to, asked in vain", queues, queues * polls * prices.of("sqs_request")),
    ]


def _alarm_metrics(alarm: Mapping[str, Any]) -> int:
    """How many metrics an alarm watches: one, or those that its formula is made of."""
    return sum("MetricStat" in each for each in alarm["Metrics"]) if "Metrics" in alarm else 1


def metrics_month(written: int, tasks: int, prices: PriceList) -> float:
    """Dollars for custom metrics, which are charged for the hours in which somebody writes them.

    Args:
        written: How many a healthy task writes.
        tasks: How many tasks a month, spread as chance has it.
        prices: The prices.
    """
    hours = 1 - math.exp(-tasks / prices.monthly)
    return written * prices.of("metric_month") * hours
