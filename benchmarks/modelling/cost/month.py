"""Costs of an installation in a month: at rest, and with a number of tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from benchmarks import ROOT
from benchmarks.data.prices import PriceList
from benchmarks.data.recorded_calls import RecordedCalls
from benchmarks.modelling.cost.task import per_task
from kiln import metrics


@dataclass(frozen=True)
class FixedCost:
    """Something that is charged by the month, without a single task.

    Attributes:
        what: Its name.
        number: How many there are.
        monthly: Dollars a month for all of them.
        is_monitoring: Whether it belongs to monitoring and no task needs it.
    """

    what: str
    number: int
    monthly: float
    is_monitoring: bool = False


def monthly(tasks: int, calls: RecordedCalls, prices: PriceList, *, monitored: bool) -> float:
    """Return the dollars of a month with ``tasks`` tasks of n = 1, by callback.

    Args:
        tasks: How many.
        calls: The recordings.
        prices: The prices.
        monitored: Whether dashboard, alarms and metrics are included.
    """
    usual = calls.of(1, by_timer=False)
    fixed = sum(each.monthly for each in fixed_costs(resources(), prices) if monitored or not each.is_monitoring)
    metrics_written = metrics_month(len(usual.metrics), tasks, prices) if monitored else 0.0
    return fixed + metrics_written + tasks * per_task(usual, prices)


@cache
def resources() -> dict[str, Any]:
    """Return the resources of every template at the project's root."""
    templates = [yaml_parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.glob("[!.]*.yaml"))]
    return {name: each for template in templates for name, each in template.get("Resources", {}).items()}


def fixed_costs(by_name: Mapping[str, Any], prices: PriceList) -> list[FixedCost]:
    """Return what an installation costs a month without a single task.

    Args:
        by_name: The templates' resources.
        prices: The prices.
    """
    types = [resource["Type"] for resource in by_name.values()]
    alarms = sum(
        _alarm_metrics(each["Properties"]) for each in by_name.values() if each["Type"] == "AWS::CloudWatch::Alarm"
    )
    composites = types.count("AWS::CloudWatch::CompositeAlarm")
    dashboards = types.count("AWS::CloudWatch::Dashboard")
    secrets = types.count("AWS::SecretsManager::Secret")
    queues = sum(
        event["Type"] == "SQS"
        for resource in by_name.values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
    )
    polls = prices.month_hours * 3_600 / prices.assumed("poll_wait_s") * prices.assumed("pollers")
    return [
        FixedCost("secrets", secrets, secrets * prices.of("secret_month")),
        FixedCost("metrics that alarms read", alarms, alarms * prices.of("alarm_month"), is_monitoring=True),
        FixedCost("composite alarms", composites, composites * prices.of("composite_month"), is_monitoring=True),
        FixedCost("dashboards", dashboards, dashboards * prices.of("dashboard_month"), is_monitoring=True),
        FixedCost("queues that Lambda polls while empty", queues, queues * polls * prices.of("sqs_request")),
    ]


def _alarm_metrics(alarm: Mapping[str, Any]) -> int:
    """Return how many metrics an alarm reads: one, or those in its formula; a query's are one for each account."""
    return max(1, sum("MetricStat" in each for each in alarm.get("Metrics", [])))


def metrics_month(written: int, tasks: int, prices: PriceList) -> float:
    """Return the dollars for custom metrics, which are charged for the hours in which they are written.

    Args:
        written: How many a healthy task writes.
        tasks: How many tasks a month, at random times.
        prices: The prices.
    """
    hours = 1 - math.exp(-tasks / prices.month_hours)
    return written * prices.of("metric_month") * hours


def custom_metrics() -> int:
    """Return how many metrics the functions can write: one for each value of a metric's own dimension."""
    return sum(len(metric.values) or 1 for metric in metrics.ALL)
