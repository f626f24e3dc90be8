"""Checks of alarms and traces: the stack's alarms, an alarm of the run's own, and what X-Ray holds."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from kiln_cli.acceptance.findings import Finding, row, skipped
from kiln_cli.acceptance.trial import Trial, all_of

NAMESPACE = "KilnAcceptance"
"""Of the run's own metric. CloudWatch cannot delete a metric; it expires by itself."""

_TRACE_SECONDS = 60
_MOST_TRACES = 5
_COPIED = ("Statistic", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator", "TreatMissingData")


def alarms(trial: Trial) -> Iterator[Finding]:
    """The stack has its alarms, and none is raised; an alarm like one of them is raised by its metric."""
    names = list(trial.installation.resources("AWS::CloudWatch::Alarm").values())
    client: Any = trial.installation.client("cloudwatch")
    found = list(all_of(client, "describe_alarms", "MetricAlarms", AlarmNames=names)) if names else []
    yield row("alarms", "exist", "1 or more", f"{len(found)} of {len(names)}", is_well=0 < len(names) == len(found))
    raised = [each["AlarmName"] for each in found if each["StateValue"] == "ALARM"]
    yield row("alarms", "raised", [], raised)
    workflow_broken = f"{trial.installation.name}-workflow-broken"
    yield row("alarms", "deployments find theirs by name", True, workflow_broken in {x["AlarmName"] for x in found})
    yield from _raised_by_its_metric(trial, client, found)


def _raised_by_its_metric(trial: Trial, client: Any, found: list[dict[str, Any]]) -> Iterator[Finding]:
    """Copies one alarm of the stack without its actions, to a metric of the run's own, and writes that metric."""
    check = "an alarm is raised by its metric"
    like = min((each for each in found if _can_be_copied(each)), key=lambda each: each["Period"], default=None)
    if like is None:
        yield skipped("alarms", check, "no alarm of the stack needs one value of one metric")
        return
    dimensions = [{"Name": "Run", "Value": trial.mark}]
    copied = {name: like[name] for name in _COPIED if name in like}
    client.put_metric_alarm(
        AlarmName=trial.mark,
        AlarmDescription=f"Made by kiln acceptance as {like['AlarmName']} is made; it is removed at the end of the run",
        Namespace=NAMESPACE,
        MetricName="Tried",
        Dimensions=dimensions,
        ActionsEnabled=False,
        **copied,
    )
    trial.undo.callback(client.delete_alarms, AlarmNames=[trial.mark])
    value = {"MetricName": "Tried", "Dimensions": dimensions, "Value": like["Threshold"] + 1}
    client.put_metric_data(Namespace=NAMESPACE, MetricData=[value])
    state = trial.wait(lambda: _alarm_state(client, trial.mark), seconds=like["Period"] + trial.patience)
    yield row("alarms", check, "ALARM", state or "no ALARM in time")


def _can_be_copied(alarm: dict[str, Any]) -> bool:
    """Whether one value of one metric raises it."""
    is_above = str(alarm.get("ComparisonOperator", "")).startswith("GreaterThan")
    needed = alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods")
    return is_above and needed == 1 and "Statistic" in alarm and "Threshold" in alarm and "MetricName" in alarm


def _alarm_state(client: Any, name: str) -> str:
    state = client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
    return str(state) if state == "ALARM" else ""


def traces(trial: Trial) -> Iterator[Finding]:
    """X-Ray has traces of the run's requests, and none of them holds the prompt."""
    if trial.installation.is_local:
        yield skipped("traces", "X-Ray has traces", "the local AWS has no X-Ray")
        return
    client: Any = trial.installation.client("xray")
    # X-Ray samples the first request of each second, so that a run has some.
    ids = trial.wait(lambda: _trace_ids(trial, client), seconds=_TRACE_SECONDS) or []
    yield row("traces", "X-Ray has traces", "1 or more", len(ids), is_well=bool(ids))
    if ids:
        documents = json.dumps(client.batch_get_traces(TraceIds=ids)["Traces"], default=str)
        yield row("traces", "traces hold the prompt", False, trial.secret in documents)


def _trace_ids(trial: Trial, client: Any) -> list[str]:
    functions = set(trial.installation.resources("AWS::Lambda::Function").values())
    times = {"StartTime": datetime.fromtimestamp(trial.began, UTC), "EndTime": datetime.fromtimestamp(time.time(), UTC)}
    found = (
        each["Id"]
        for each in all_of(client, "get_trace_summaries", "TraceSummaries", **times)
        if functions & {service.get("Name") for service in each.get("ServiceIds", [])}
    )
    return list(islice(found, _MOST_TRACES))
