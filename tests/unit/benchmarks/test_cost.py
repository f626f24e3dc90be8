"""Costs: each service is charged by its own unit, and docs/cost.md has the current tables."""

from __future__ import annotations

import pytest

from benchmarks.data import recorded_calls
from benchmarks.data.counts import Counts, Work
from benchmarks.data.prices import PriceList
from benchmarks.data.recorded_calls import RecordedCalls
from benchmarks.modelling.cost import tables
from benchmarks.modelling.cost.alternatives import alternatives
from benchmarks.modelling.cost.month import fixed_costs, metrics_month
from benchmarks.modelling.cost.task import billed_ms, cold_start_cost, cost_of, gb_seconds, per_task, traces
from benchmarks.modelling.cost.waiting import waiting_cost
from benchmarks.reporting import pages
from benchmarks.workflow import states


@pytest.fixture(scope="module")
def calls() -> RecordedCalls:
    return recorded_calls.read()


@pytest.fixture
def prices() -> PriceList:
    return PriceList("us")


def test_page_has_the_current_tables(calls: RecordedCalls) -> None:
    assert pages.is_current(tables.PAGE, tables.tables(calls)), "docs/cost.md is out of date. Run `make cost`."


def test_half_a_cpu_doubles_computing_but_not_waiting(prices: PriceList) -> None:
    half = Work(memory_mb=int(prices.assumed("vcpu_memory_mb") / 2), cpu_ms=100)
    assert billed_ms(half, prices) == pytest.approx(200, rel=0.01)
    waiting = Work(memory_mb=512, aws_calls=2, http_calls=1)
    assert billed_ms(waiting, prices) == 2 * prices.assumed("aws_call_ms") + prices.assumed("http_call_ms")


def test_fifth_image_starts_a_second_wave_of_copies(prices: PriceList) -> None:
    one, five = (billed_ms(Work(memory_mb=1024, images=images), prices) for images in (1, 5))
    assert five == 2 * one


def test_two_gigabytes_for_one_second_are_two_gb_seconds(prices: PriceList) -> None:
    counts = Counts(work={"Poll": Work(memory_mb=2048, cpu_ms=1_000)})
    assert gb_seconds(counts, prices) == pytest.approx(2.0)


def test_each_service_is_charged_by_its_own_unit(prices: PriceList) -> None:
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


def test_cold_start_adds_imports_and_secret_reads(prices: PriceList) -> None:
    warm = Counts(work={"Poll": Work(memory_mb=1024, invocations=2, cpu_ms=20)})
    cold = Counts(work={"Poll": Work(memory_mb=1024, invocations=1, cold=1, cpu_ms=10, init_cpu_ms=500)})
    expected = 0.5 * prices.of("lambda_gb_second")
    assert cold_start_cost(cold, warm, prices) == pytest.approx(expected)
    cold.add_request("secretsmanager.GetSecretValue", 2)
    assert cold_start_cost(cold, warm, prices) == pytest.approx(expected + 2 * prices.of("secret_request"))


def test_fixed_costs_count_the_templates_resources(prices: PriceList) -> None:
    resources = {
        "A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Failed"}},
        "B": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {"Metrics": [{"Id": "a", "MetricStat": {}}, {"Id": "b", "Expression": "a"}]},
        },
        "Query": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"Id": "a", "Expression": "SELECT"}]}},
        "C": {"Type": "AWS::SecretsManager::Secret"},
        "D": {"Type": "AWS::Serverless::Function", "Properties": {"Events": {"Inbox": {"Type": "SQS"}}}},
    }
    assert [each.number for each in fixed_costs(resources, prices)] == [1, 3, 0, 0, 1]


def test_main_recordings_are_warm_and_complete(calls: RecordedCalls) -> None:
    for n, by_timer in tables.MAIN:
        run = calls.of(n, by_timer=by_timer)
        assert not any(work.cold for work in run.work.values())
        assert run.executions["task"] == 1
        assert run.work["Collect"].images == n
        assert run.api_requests == (1 if by_timer else 4)
    cold = {function for function, work in calls.scenarios["api-1-cold"].work.items() if work.cold}
    # The stack calls the API once on start-up, so Submit and Query may be warm.
    assert cold >= {"Start", "Dispatch", "Callback", "Poll", "Collect", "Notify"}


def test_more_images_cost_more_and_timer_costs_less_than_callbacks(calls: RecordedCalls, prices: PriceList) -> None:
    costs = {(n, by_timer): per_task(calls.of(n, by_timer=by_timer), prices) for n, by_timer in tables.MAIN}
    assert costs[9, False] > costs[1, False] > costs[1, True]


def test_task_by_callback_meets_the_goals(calls: RecordedCalls, prices: PriceList) -> None:
    usual = calls.of(1, by_timer=False)
    assert usual.http["webhook"] == 3
    assert sum(usual.transitions.values()) <= 18
    assert 1_000 * per_task(usual, prices) <= 0.70
    assert len(states()) <= 22


def test_ten_thousand_tasks_wait_sixty_hours_for_less_than_five_dollars(
    calls: RecordedCalls, prices: PriceList
) -> None:
    cost = waiting_cost(10_000, 60, calls, prices)
    assert cost.reconciler + cost.tasks < 5
    assert waiting_cost(10_000, 23, calls, prices).tasks == 0


def test_metrics_are_charged_only_for_hours_with_tasks(prices: PriceList) -> None:
    assert metrics_month(10, 0, prices) == 0
    assert metrics_month(10, 100_000, prices) == pytest.approx(10 * prices.of("metric_month"))
    assert metrics_month(10, 1, prices) == pytest.approx(10 * prices.of("metric_month") / prices.month_hours, rel=0.01)


@pytest.mark.parametrize("region", ["us", "sg"])
def test_alternatives_have_a_minimum_and_grow_with_tasks(region: str) -> None:
    prices = PriceList(region)
    few, many = alternatives(100, prices), alternatives(1_000_000, prices)
    assert [each.name for each in few] == [each.name for each in many]
    assert all(small.monthly < large.monthly for small, large in zip(few, many, strict=True))
    assert few[1].workers == 2


def test_every_price_has_a_page_and_an_amount_for_each_region(prices: PriceList) -> None:
    for name, line in prices.lines.items():
        assert line.page, name
        assert set(line.amounts) == set(prices.regions), name
        assert all(amount > 0 for amount in line.amounts.values()), name
