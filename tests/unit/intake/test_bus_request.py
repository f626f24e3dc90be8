"""The bus as a channel: an event becomes a task once, of the caller its source names; what is wrong goes back there."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from kiln import aws
from kiln.intake.bus_request import task_requested
from tests.support.account import ROOT


@pytest.fixture
def event(cloud, accepted) -> dict[str, Any]:
    [record] = json.loads((ROOT / "events/inbox-bus-request.json").read_text("utf-8"))["Records"]
    requested: dict[str, Any] = json.loads(record["body"])
    return requested


@pytest.fixture
def published(monkeypatch) -> list[dict[str, Any]]:
    """The entries that were put on the bus."""
    entries: list[dict[str, Any]] = []

    def put_events(Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        entries.extend(Entries)
        return {"FailedEntryCount": 0, "Entries": [{}]}

    monkeypatch.setattr(aws, "events", lambda: SimpleNamespace(put_events=put_events))
    return entries


def test_bus_event_makes_a_task_of_its_source(event, accepted, published):
    task = task_requested(event)
    assert task is not None
    assert (task.caller, task.origin.channel, task.prompt) == ("shop", "event", "A cat")
    assert task.task_id in accepted
    assert published == []


def test_repeated_event_makes_the_same_task(event, accepted, published):
    assert task_requested(event) == task_requested(event)
    assert len(accepted) == 1
    task_requested({**event, "id": "another"})
    assert len(accepted) == 2


@pytest.mark.parametrize("detail", [{}, {"data": None}, {"data": []}, {"data": {"n": 10}}])
def test_wrong_request_publishes_a_refusal(event, accepted, published, detail):
    assert task_requested({**event, "detail": detail}) is None
    [entry] = published
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == ("kiln", "kiln", "Image Task Refused")
    refusal = json.loads(entry["Detail"])
    assert refusal["metadata"]["request_event_id"] == event["id"]
    assert refusal["metadata"]["caller"] == "shop"
    assert refusal["data"]["code"] in (1200, 1201)
    assert len(accepted) == 0


def test_refusal_names_the_fields_without_effect(event, accepted, published):
    data = {**event["detail"]["data"], "promt": "A cat", "n": 10}
    assert task_requested({**event, "detail": {"data": data}}) is None
    assert json.loads(published[0]["Detail"])["metadata"]["ignored"] == ["promt"]


def test_accepted_request_keeps_the_fields_without_effect(event, accepted, published):
    task = task_requested({**event, "detail": {"data": {**event["detail"]["data"], "promt": "A cat"}}})
    assert task is not None
    assert task.ignored == ["promt"]


def test_repeated_refusal_has_the_same_id(event, published):
    for _ in range(2):
        task_requested({**event, "detail": {}})
    assert len({json.loads(entry["Detail"])["metadata"]["event_id"] for entry in published}) == 1


def test_unpublished_refusal_is_a_fault(event, monkeypatch):
    answer = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
    monkeypatch.setattr(aws, "events", lambda: SimpleNamespace(put_events=lambda **_: answer))
    with pytest.raises(RuntimeError, match="InternalFailure"):
        task_requested({**event, "detail": {}})


@pytest.mark.parametrize("data", [{"prompt": "\ud83d"}, {"\udc00": 1}, {"external_task_id": ["\ud83d"]}])
def test_half_a_surrogate_pair_is_refused_and_not_dead_lettered(event, accepted, published, data):
    assert task_requested({**event, "detail": {"data": data}}) is None
    [entry] = published
    answer = json.loads(entry["Detail"])["data"]
    assert answer["code"] == 1200
    assert "got half a surrogate pair, \\ud" in answer["message"]
    assert len(accepted) == 0
