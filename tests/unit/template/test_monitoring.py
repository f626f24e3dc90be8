"""Alarms, dashboard and saved queries agree with the metrics of the code and with their pages of the docs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from kiln import metrics
from tests.support.account import ROOT, template
from tests.support.nested import monitoring, passed, resource_of

RESOURCES = monitoring()["Resources"]
FUNCTIONS = {
    name: each["Properties"]
    for name, each in template()["Resources"].items()
    if each["Type"] == "AWS::Serverless::Function"
}
ALARMS = {name: each for name, each in RESOURCES.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
QUERIES = {name: each for name, each in RESOURCES.items() if each["Type"] == "AWS::Logs::QueryDefinition"}
RUNBOOK = (ROOT / "docs/runbook.md").read_text("utf-8")
MONITORING = (ROOT / "docs/monitoring.md").read_text("utf-8")
SECTIONS = re.findall(r"^## (\S+)$", RUNBOOK, re.MULTILINE)
KNOWN = {metric.name: metric for metric in metrics.ALL}
SUBSTITUTED = re.compile(r"\$\{([^}]+)\}")


RECORDED = json.loads((ROOT / "benchmarks" / "data" / "recorded_calls.json").read_text("utf-8"))["scenarios"]


def metrics_of_alarm(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each metric that an alarm reads, with its statistic."""
    properties = alarm["Properties"]
    if "MetricName" in properties:
        yield properties
    for each in properties.get("Metrics", []):
        if "MetricStat" in each:
            yield {**each["MetricStat"]["Metric"], "Statistic": each["MetricStat"]["Stat"]}
        elif isinstance(each["Expression"], dict):
            yield of_query(each["Expression"]["Fn::Sub"])


def of_query(text: str) -> dict[str, Any]:
    """The metric that a Metrics Insights query reads for each value of its second dimension."""
    query = re.fullmatch(
        r"SELECT (\w+)\((\w+)\) FROM SCHEMA\((\w+), (\w+), service\) WHERE service = '\$\{StackName\}' "
        r"GROUP BY (\w+) ORDER BY \1\(\) DESC",
        text,
    )
    assert query, text
    statistic, name, namespace, dimension, grouped_by = query.groups()
    assert dimension == grouped_by
    dimensions = [{"Name": "service", "Value": {"Ref": "StackName"}}, {"Name": dimension, "Value": "any"}]
    return {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions, "Statistic": statistic}


def dashboard() -> dict[str, Any]:
    """The dashboard, with the names and the defaults of what is passed to it filled in."""
    text = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]

    def value(found: re.Match[str]) -> str:
        return str(template()["Parameters"].get(found[1], {}).get("Default", found[1]))

    body: dict[str, Any] = json.loads(SUBSTITUTED.sub(value, text))
    return body


def drawn() -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Each metric on the dashboard: namespace, name and dimensions written out, and its options."""
    for widget in dashboard()["widgets"]:
        before: list[str] = []
        for row in widget["properties"].get("metrics", []):
            parts = [part for part in row if not isinstance(part, dict)]
            options = next((part for part in row if isinstance(part, dict)), {})
            if parts and parts[0] == "...":
                parts = before[: len(before) - len(parts) + 1] + parts[1:]
            if parts:
                before = parts
                yield parts, options


def own(parts: list[str]) -> tuple[str, dict[str, str]]:
    """A metric of ours on the dashboard: its name and its dimensions."""
    return parts[1], dict(zip(parts[2::2], parts[3::2], strict=True))


def searched() -> list[tuple[str, str]]:
    """The metrics that the dashboard shows for every value of a dimension: the dimension and the name."""
    found = r"SEARCH\('\{Kiln,(\w+),service\} MetricName=\"(\w+)\" service=\"StackName\"', '\w+', \d+\)"
    return re.findall(found, " ".join(expressions()))


def expressions() -> list[str]:
    """The expressions of the dashboard."""
    rows = [row for widget in dashboard()["widgets"] for row in widget["properties"].get("metrics", [])]
    return [part["expression"] for row in rows for part in row if isinstance(part, dict) and "expression" in part]


def check_own(name: str, dimensions: dict[str, Any]) -> None:
    metric = KNOWN[name]
    assert set(dimensions) == {"service", metric.dimension} - {""}, name
    if metric.values:
        assert dimensions[metric.dimension] in metric.values, name


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_ends_in_its_section_of_the_runbook(name):
    description = ALARMS[name]["Properties"]["AlarmDescription"]["Fn::Sub"]
    link = re.search(r" - \$\{RunbookUrl\}#([a-z-]+)$", description)
    assert link, description
    assert link[1] in SECTIONS
    row = re.search(rf"^\| `{name}` \|.*\| \[{link[1]}\]\(runbook\.md#{link[1]}\) \|$", MONITORING, re.MULTILINE)
    assert row, "docs/monitoring.md lists it"


def test_every_section_of_the_runbook_belongs_to_an_alarm_and_is_complete():
    linked = {each["Properties"]["AlarmDescription"]["Fn::Sub"].rpartition("#")[2] for each in ALARMS.values()}
    assert set(SECTIONS) == linked
    for section in re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)[1:]:
        for part in ("**Means**", "**Users see**", "Look:", "**Over when**"):
            assert part in section, section.partition("\n")[0]


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_notifies_and_says_what_missing_data_means(name):
    properties = ALARMS[name]["Properties"]
    assert properties["AlarmActions"] == properties["OKActions"]
    assert properties["TreatMissingData"] == (
        "ignore"
        if name in ("InboxDeadLettersAlarm", "UnsentNotificationsAlarm", "UnstartedTasksAlarm")
        else "notBreaching"
    )
    read = list(metrics_of_alarm(ALARMS[name]))
    assert 1 <= len(read) <= 10  # CloudWatch's limit
    shown = [each for each in properties.get("Metrics", []) if each.get("ReturnData", True)]
    assert len(shown) == ("Metrics" in properties)
    for each in shown:
        if isinstance(each["Expression"], str):
            operands = set(re.findall(r"\b[a-z]\w*", each["Expression"]))
            assert operands <= {other["Id"] for other in properties["Metrics"]}


def test_nested_stack_gets_exactly_its_parameters():
    assert set(passed()) == set(monitoring()["Parameters"])
    for name in set(passed()) - {"StackName"}:
        assert resource_of(name) == name


def test_every_parameter_of_the_nested_stack_is_used():
    text = json.dumps([RESOURCES, monitoring()["Conditions"]])
    for name in monitoring()["Parameters"]:
        assert f'{{"Ref": "{name}"}}' in text or f"${{{name}}}" in text, name


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_is_in_one_alarm_of_errors_and_in_one_of_throttles(metric):
    read = [
        resource_of(each["Dimensions"][0]["Value"]["Ref"])
        for alarm in ALARMS.values()
        for each in metrics_of_alarm(alarm)
        if (each["Namespace"], each["MetricName"]) == ("AWS/Lambda", metric)
    ]
    assert sorted(read) == sorted(FUNCTIONS)


@pytest.mark.parametrize("workflow", ["TaskWorkflow", "NotificationWorkflow"])
def test_every_abnormal_end_of_a_workflow_has_an_alarm(workflow):
    read = {
        each["MetricName"]
        for alarm in ALARMS.values()
        for each in metrics_of_alarm(alarm)
        if each["Namespace"] == "AWS/States" and each["Dimensions"][0]["Value"] == {"Ref": workflow}
    }
    assert read >= {"ExecutionsFailed", "ExecutionsAborted", "ExecutionsTimedOut"}


def test_basic_monitoring_has_no_computed_alarms_and_no_saved_queries():
    for name, each in {**ALARMS, **QUERIES}.items():
        is_computed = "Metrics" in each["Properties"] or name in QUERIES
        assert each.get("Condition") == ("IsFull" if is_computed else None), name


def test_alarms_read_metrics_that_the_code_measures():
    names = set()
    for alarm in ALARMS.values():
        for each in metrics_of_alarm(alarm):
            if each["Namespace"] == "Kiln":
                dimensions = {pair["Name"]: pair["Value"] for pair in each["Dimensions"]}
                assert dimensions["service"] == {"Ref": "StackName"}
                check_own(each["MetricName"], dimensions)
                names.add(each["MetricName"])
    assert names


def test_dashboard_shows_every_metric_by_every_dimension_value():
    shown = set()
    for parts, _ in drawn():
        if parts[0] == "Kiln":
            name, dimensions = own(parts)
            assert dimensions["service"] == "StackName"
            check_own(name, dimensions)
            shown.add((name, dimensions.get(KNOWN[name].dimension, "")))
    for dimension, name in searched():
        assert KNOWN[name].dimension == dimension
        shown.add((name, ""))
    assert shown == {(metric.name, value) for metric in metrics.ALL for value in metric.values or ("",)}


def test_dashboard_refers_to_existing_resources_and_fits_its_grid():
    text = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert set(SUBSTITUTED.findall(text)) <= set(monitoring()["Parameters"]) | {"AWS::Region"}
    cells: set[tuple[int, int]] = set()
    for widget in dashboard()["widgets"]:
        covered = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not covered & cells
        assert widget["x"] + widget["width"] <= 24
        cells |= covered


def test_every_expression_on_the_dashboard_has_its_operands():
    for widget in dashboard()["widgets"]:
        options = [part for row in widget["properties"].get("metrics", []) for part in row if isinstance(part, dict)]
        ids = {each["id"] for each in options if "id" in each}
        assert len(ids) == sum("id" in each for each in options)
        for each in options:
            expression = each.get("expression", "")
            if not expression.startswith("SEARCH("):
                assert set(re.findall(r"\b[a-z]\w*", expression)) <= ids


def test_every_function_is_on_the_dashboard_and_costs_what_its_memory_costs():
    for metric in ("Errors", "Throttles", "Duration", "Invocations"):
        assert {parts[3] for parts, _ in drawn() if parts[:2] == ["AWS/Lambda", metric]} == set(FUNCTIONS), metric
    (cost,) = re.findall(r'"expression": "\(([^"]*)\) / 1024 / 1000', json.dumps(dashboard()))
    by_memory = re.findall(r"(\d+) \* SUM\(\[([^\]]*)\]\)", cost)
    computed = {id_: int(memory) for memory, ids in by_memory for id_ in ids.split(", ")}
    default = template()["Globals"]["Function"]["MemorySize"]
    memory = {
        f"d_{name.removesuffix('Function').lower()}": properties.get("MemorySize", default)
        for name, properties in FUNCTIONS.items()
    }
    assert computed == memory


@pytest.mark.parametrize("name", [name for name in RECORDED if name.endswith(("callback", "timer", "no-webhook"))])
def test_estimated_transitions_of_a_task_equal_the_recorded_ones(name):
    (estimate,) = re.findall(r'"expression": "\((8 \* FILL[^"]*)\) \* 0\.000025"', json.dumps(dashboard()))
    recorded = RECORDED[name]
    wakes = recorded["states"]["AwaitCallback"]
    values = {
        "executions": recorded["executions"]["task"],
        "notifications": recorded["executions"].get("notification", 0),
        "wakes_callback": 0 if name.endswith("timer") else wakes,
        "wakes_timer": wakes if name.endswith("timer") else 0,
    }
    parts = [part.split(" * FILL(") for part in estimate.split(" + ")]
    computed = sum(Fraction(factor.replace(" ", "")) * values[rest.partition(",")[0]] for factor, rest in parts)
    assert computed == sum(recorded["transitions"].values())


@pytest.mark.parametrize(
    "constant", [name for name, value in vars(metrics).items() if isinstance(value, metrics.Metric)]
)
def test_every_metric_is_measured_somewhere_in_the_layer(constant):
    assert getattr(metrics, constant) in metrics.ALL
    sources = [path.read_text("utf-8") for path in (ROOT / "layers/kiln/kiln").rglob("*.py")]
    assert any(f"metrics.record(metrics.{constant}" in source for source in sources)


def test_page_lists_every_metric_and_their_number():
    rows = dict(re.findall(r"^\| `(\w+)` \| \w+ \| (?:`(\w+)`)? ?\|", MONITORING, re.MULTILINE))
    assert rows == {metric.name: metric.dimension for metric in metrics.ALL}
    count = sum(len(metric.values) or 1 for metric in metrics.ALL)
    assert f"At most {count} metrics" in MONITORING
    assert f"{count * 0.30:.2f} US$ a month" in MONITORING
    for value in metrics.FAILED.values + metrics.STAGES + metrics.WAKE_UPS.values + metrics.DELIVERIES.values:
        assert f"`{value}`" in MONITORING


def test_page_states_the_cost_of_the_alarms():
    read = {name: len(list(metrics_of_alarm(each))) for name, each in ALARMS.items()}
    basic = sum(count for name, count in read.items() if "Condition" not in ALARMS[name])
    assert f"the alarms {sum(read.values()) * 0.10:.2f} US$ ({basic * 0.10:.2f} with `Monitoring=basic`)" in MONITORING


def test_saved_queries_are_those_of_the_page_and_the_runbook():
    saved = {each["Properties"]["Name"]["Fn::Sub"].partition("/")[2]: each["Properties"] for each in QUERIES.values()}
    listed = dict(re.findall(r"^\*\*([^*\n]+)\*\*\n\n```\n(.+?)\n```$", MONITORING, re.MULTILINE | re.DOTALL))
    assert {question[0].lower() + question[1:]: text for question, text in listed.items()} == {
        question: properties["QueryString"].strip() for question, properties in saved.items()
    }
    assert set(re.findall(r'ask "([^"]+)"', RUNBOOK)) <= set(saved)
    for properties in saved.values():
        assert properties["LogGroupNames"] == [{"Ref": "Logs"}]
