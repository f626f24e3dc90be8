"""The cost page: its tables are what the script makes of the recordings, and prices are applied as they should be."""

from __future__ import annotations

import pytest

from benchmarks import cost, pages, recordings
from benchmarks.alternatives import alternatives
from benchmarks.counts import Counts, Work
from benchmarks.pricing import (
    PriceList,
    billed_ms,
    cold_start_cost,
    cost_of,
    gb_seconds,
    metrics_month,
    standing,
    traces,
)


@pytest.fixture(scope="module")
def found() -> recordings.Recordings:
    return recordings.read()


@pytest.fixture
def prices() -> PriceList:
    return PriceList("us")


def test_the_page_is_what_the_script_writes(found: recordings.Recordings) -> None:
    assert pages.is_current(cost.PAGE, cost.tables(found)), "docs/cost.md is out of date: make cost"


def test_waiting_is_charged_as_it_is_and_computing_by_the_share_of_a_cpu(prices: PriceList) -> None:
    half = Work(memory_mb=int(prices.assumed("vcpu_memory_mb") / 2), cpu_ms=100)
    assert billed_ms(half, prices) == pytest.approx(200, rel=0.01)
    waiting = Work(memory_mb=512, aws_calls=2, http_calls=1)
    assert billed_ms(waiting, prices) == 2 * prices.assumed("aws_call_ms") + prices.assumed("http_call_ms")


def test_images_are_copied_a_few_at_a_time(prices: PriceList) -> None:
    one, five = (billed_ms(Work(memory_mb=1024, images=images), prices) for images in (1, 5))
    assert five == 2 * one


def test_memory_is_what_a_gigabyte_second_is_made_of(prices: PriceList) -> None:
    counts = Counts(work={"Poll": Work(memory_mb=2048, cpu_ms=1_000)})
    assert gb_seconds(counts, prices) == pytest.approx(2.0)


def test_every_service_is_charged_by_its_own_unit(prices: PriceList) -> None:
    counts = Counts(
        api_requests=4,
        requests={"s3.PutObject": 2, "s3.GetObject": 1, "events.PutEvents": 3, "secretsmanager.GetSecretValue": 1},
        write_units={"table": 10, "by_turn": 2},
        read_units={"TASK": 4.5},
        executions={"task": 1, "notification": 3},
        transitions={"task": 20, "notification": 12},
        queue_messages=2,
        log_bytes=1_000_000,
    )
    charged = cost_of(counts, prices, inputs=1, downloads=2)
    assert charged["API Gateway"] == pytest.approx(4 * prices.of("api_request"))
    assert charged["Step Functions"] == pytest.approx(32 * prices.of("transition"))
    assert charged["DynamoDB"] == pytest.approx(12 * prices.of("write_unit") + 4.5 * prices.of("read_unit"))
    assert charged["S3 requests"] == pytest.approx(2 * prices.of("s3_put") + 2 * prices.of("s3_get"))
    archived = 3 * prices.assumed("event_kb") / 1_000_000 * prices.of("archive_gb")
    assert charged["EventBridge"] == pytest.approx(3 * prices.of("event") + archived)
    assert charged["SQS"] == pytest.approx(6 * prices.of("sqs_request"))
    assert charged["CloudWatch Logs"] == pytest.approx(prices.of("log_gb") / 1_000)
    assert charged["X-Ray"] == pytest.approx(traces(counts) * prices.of("trace"))
    sent_gb = (prices.assumed("input_mb") + 2 * prices.assumed("result_mb")) / 1_000
    assert charged["Data out"] == pytest.approx(sent_gb * prices.of("out_gb"))


def test_a_cold_start_costs_its_imports_and_its_secrets(prices: PriceList) -> None:
    warm = Counts(work={"Poll": Work(memory_mb=1024, invocations=2, cpu_ms=20)})
    cold = Counts(work={"Poll": Work(memory_mb=1024, invocations=1, cold=1, cpu_ms=10, init_cpu_ms=500)})
    expected = 0.5 * prices.of("lambda_gb_second")
    assert cold_start_cost(cold, warm, prices) == pytest.approx(expected)
    cold.add_request("secretsmanager.GetSecretValue", 2)
    assert cold_start_cost(cold, warm, prices) == pytest.approx(expected + 2 * prices.of("secret_request"))


def test_what_stands_is_counted_in_the_template(prices: PriceList) -> None:
    template = {
        "Resources": {
            "A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Failed"}},
            "B": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {"Metrics": [{"Id": "a", "MetricStat": {}}, {"Id": "b", "Expression": "a"}]},
            },
            "C": {"Type": "AWS::SecretsManager::Secret"},
            "D": {"Type": "AWS::Serverless::Function", "Properties": {"Events": {"Inbox": {"Type": "SQS"}}}},
        }
    }
    assert [each.number for each in standing(template, prices)] == [1, 2, 0, 0, 1]


def test_recordings_are_of_warm_tasks_and_each_is_whole(found: recordings.Recordings) -> None:
    for n, by_timer in cost.MAIN:
        run = found.of(n, by_timer=by_timer)
        assert not any(work.cold for work in run.work.values())
        assert run.executions["task"] == 1
        assert run.work["Collect"].images == n
        assert run.api_requests == (1 if by_timer else 4)
    cold = {function for function, work in found.scenarios["api-1-cold"].work.items() if work.cold}
    # The stack itself asks the API once before it is there.
    assert cold >= {"Start", "Dispatch", "Callback", "Poll", "Collect", "Release", "Notify"}


def test_more_images_cost_more_and_a_timer_costs_less_than_callbacks(
    found: recordings.Recordings, prices: PriceList
) -> None:
    costs = {(n, by_timer): cost.per_task(found.of(n, by_timer=by_timer), prices) for n, by_timer in cost.MAIN}
    assert costs[9, False] > costs[1, False] > costs[1, True]


def test_metrics_are_charged_for_the_hours_with_tasks(prices: PriceList) -> None:
    assert metrics_month(10, 0, prices) == 0
    assert metrics_month(10, 100_000, prices) == pytest.approx(10 * prices.of("metric_month"))
    assert metrics_month(10, 1, prices) == pytest.approx(10 * prices.of("metric_month") / prices.monthly, rel=0.01)


@pytest.mark.parametrize("region", ["us", "sg"])
def test_alternatives_have_a_floor_and_grow(region: str) -> None:
    prices = PriceList(region)
    few, many = alternatives(100, prices), alternatives(1_000_000, prices)
    assert [each.name for each in few] == [each.name for each in many]
    assert all(small.monthly < large.monthly for small, large in zip(few, many, strict=True))
    assert few[1].workers == 2


def test_every_price_names_its_page_and_each_region(prices: PriceList) -> None:
    for name, line in prices.lines.items():
        assert line.page, name
        assert set(line.amounts) == set(prices.regions), name
        assert all(amount > 0 for amount in line.amounts.values()), name
