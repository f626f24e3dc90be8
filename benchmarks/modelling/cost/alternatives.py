"""Costs of a worker that polls the provider instead: on Fargate, and on EC2 with an SQS queue."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.data.prices import GB, PriceList

FARGATE_VCPU = 0.25
FARGATE_GB = 0.5
SMALL_INSTANCE_AT = 100_000
"""From this many tasks a month the EC2 worker is a t4g.small. A t4g.nano may use 5 % of its CPUs continuously."""


@dataclass(frozen=True)
class Alternative:
    """Another way to run the same tasks.

    Attributes:
        name: The heading of its column.
        monthly: Dollars a month.
        workers: How many workers it needs.
    """

    name: str
    monthly: float
    workers: int


def alternatives(tasks: int, prices: PriceList, *, n: int = 1) -> list[Alternative]:
    """Return the alternatives at ``tasks`` tasks a month, each task of ``n`` images."""
    hours = prices.month_hours
    shared = tasks * _per_task(n, prices)
    fargate = (
        FARGATE_VCPU * prices.of("fargate_vcpu_hour")
        + FARGATE_GB * prices.of("fargate_gb_hour")
        + prices.of("ipv4_hour")
    ) * hours
    workers = _workers(tasks, n, FARGATE_VCPU, prices)
    pair = max(2, workers)
    # A load balancer has an address in each of two zones. Its traffic fits into one capacity unit.
    balancer = (prices.of("alb_hour") + prices.of("lcu_hour") + 2 * prices.of("ipv4_hour")) * hours
    size = "t4g_small_hour" if tasks >= SMALL_INSTANCE_AT else "t4g_nano_hour"
    instance = (prices.of(size) + prices.of("ipv4_hour")) * hours + prices.assumed("disk_gb") * prices.of(
        "ebs_gb_month"
    )
    # A message is sent, received and deleted. An idle worker polls with the longest wait.
    queue = (3 * tasks + hours * 3_600 / prices.assumed("poll_wait_s")) * prices.of("sqs_request")
    return [
        Alternative("Fargate, one worker", workers * fargate + shared, workers),
        Alternative("Fargate, two zones and a load balancer", pair * fargate + balancer + shared, pair),
        Alternative("EC2 with a queue, one instance", instance + queue + shared, 1),
    ]


def _per_task(n: int, prices: PriceList) -> float:
    """The cost that every worker has: the input, the images, a few writes, a few log lines, data out."""
    return (
        (1 + n) * prices.of("s3_put")
        + prices.of("s3_get")
        + prices.assumed("worker_table_writes") * prices.of("write_unit")
        + prices.assumed("worker_log_bytes") / GB * prices.of("log_gb")
        + prices.assumed("input_mb") / 1_000 * prices.of("out_gb")
    )


def _workers(tasks: int, n: int, vcpu: float, prices: PriceList) -> int:
    """Return how many workers the busiest minute needs, by CPU."""
    polls = math.ceil(prices.assumed("generation_s") / prices.assumed("poll_every_s"))
    cpu_s = (polls * prices.assumed("worker_poll_cpu_ms") + n * prices.assumed("worker_copy_cpu_ms")) / 1_000
    busiest = tasks / (prices.month_hours * 3_600) * prices.assumed("worker_peak") * cpu_s
    return max(1, math.ceil(busiest / (vcpu * prices.assumed("worker_load"))))
