"""The create call: idempotency keys, a caller's minute, where webhooks may go, and uploads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiln.auth.callers import Caller
from kiln.contract.vocabulary import Priority
from kiln.errors import (
    DuplicateExternalTaskId,
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedRequest,
    TooManyRequests,
)
from kiln.intake import create as creating
from kiln.tasks.admission import LOW_TURNS
from kiln.tasks.progress import stored_request
from kiln.tasks.store import TaskStore
from kiln.tasks.task import Task
from tests.support.samples import create_body

ADA, BOB = Caller(name="ada"), Caller(name="bob")
BODY = json.dumps(create_body()).encode()

pytestmark = pytest.mark.usefixtures("cloud")


def create(body: str | bytes, caller: Caller, **options: Any) -> Task:
    return creating.create(body, caller, **options).task


def test_ignored_fields_are_known_also_of_a_repeated_request():
    body = json.dumps(create_body(promt="A cat", negative_prompt="dogs"))
    first = creating.create(body, ADA, idempotency_key="7")
    assert first.ignored == ["promt"]
    assert creating.create(body, ADA, idempotency_key="7") == first


@pytest.mark.parametrize(
    ("caller", "sent", "is_low"),
    [
        (ADA, {}, False),
        (ADA, {"priority": "normal"}, False),
        (ADA, {"priority": " low "}, True),
        (Caller(name="eve", priority=Priority.LOW), {}, True),
        (Caller(name="eve", priority=Priority.LOW), {"priority": "normal"}, True),
    ],
)
def test_task_is_low_if_its_request_or_its_caller_says_so(caller, sent, is_low):
    task = create(json.dumps(create_body(**sent)), caller)
    assert task.is_low is is_low
    assert (task.turn >= LOW_TURNS) is is_low
    assert stored_request(task).priority == ("low" if is_low else "normal")


def test_without_a_key_every_call_is_a_task(accepted):
    assert create(BODY, ADA).task_id != create(BODY, ADA).task_id
    assert len(accepted) == 2


@pytest.mark.parametrize("key", ["7", '"7"', " 7 "])
def test_the_same_key_and_body_is_the_same_task(accepted, key):
    first = create(BODY, ADA, idempotency_key="7")
    assert create(BODY, ADA, idempotency_key=key) == first
    assert len(accepted) == 1


def test_a_key_is_its_callers_own(accepted):
    assert create(BODY, ADA, idempotency_key="7").task_id != create(BODY, BOB, idempotency_key="7").task_id
    assert create(BODY, ADA, idempotency_key="8").task_id != create(BODY, ADA, idempotency_key="7").task_id


def test_a_key_with_another_body_is_refused(accepted):
    create(BODY, ADA, idempotency_key="7")
    with pytest.raises(IdempotencyKeyReused):
        create(BODY + b" ", ADA, idempotency_key="7")
    assert len(accepted) == 1


def test_a_repeated_key_is_not_a_duplicate_external_id(accepted):
    body = json.dumps(create_body(external_task_id="mine")).encode()
    first = create(body, ADA, idempotency_key="7")
    assert create(body, ADA, idempotency_key="7") == first
    with pytest.raises(DuplicateExternalTaskId):
        create(body, ADA)


@pytest.mark.parametrize(("key", "is_taken"), [("k" * 255, True), ("k" * 256, False)])
def test_a_key_has_at_most_255_characters(key, is_taken):
    if is_taken:
        create(BODY, ADA, idempotency_key=key)
    else:
        with pytest.raises(InvalidRequest, match="Idempotency-Key: must be at most 255 characters, got 256"):
            create(BODY, ADA, idempotency_key=key)


@pytest.mark.parametrize("empty", [None, "", '""', "  "])
def test_an_empty_key_is_none(accepted, empty):
    create(BODY, ADA, idempotency_key=empty)
    create(BODY, ADA, idempotency_key=empty)
    assert len(accepted) == 2


def test_a_callers_own_limit_comes_before_the_installations(monkeypatch, one_minute):
    monkeypatch.setenv("CALLER_TASKS_PER_MINUTE", "1")
    create(BODY, BOB)
    with pytest.raises(TooManyRequests):
        create(BODY, BOB)
    generous = Caller(name="ada", tasks_per_minute=3)
    for _ in range(3):
        create(BODY, generous)
    with pytest.raises(TooManyRequests, match="at most 3 tasks"):
        create(BODY, generous)


def test_a_repeated_key_costs_nothing_of_the_minute(accepted):
    once = Caller(name="ada", tasks_per_minute=1)
    first = create(BODY, once, idempotency_key="7")
    assert create(BODY, once, idempotency_key="7") == first


def test_waiting_for_an_existing_task_is_counted(accepted, one_minute):
    twice = Caller(name="ada", tasks_per_minute=2)
    first = create(BODY, twice, idempotency_key="7", is_waiting=True)
    assert create(BODY, twice, idempotency_key="7", is_waiting=True) == first
    with pytest.raises(TooManyRequests):
        create(BODY, twice, idempotency_key="7", is_waiting=True)
    assert create(BODY, twice, idempotency_key="7") == first
    TaskStore().fail(first, "why")
    # There is nothing to wait for.
    assert create(BODY, twice, idempotency_key="7", is_waiting=True).task_id == first.task_id
    assert len(accepted) == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ftp://ada:secret@caller.test/secret", "a string of 35 characters"),
        ("https://ada:secret@caller.test/secret", "a string of 37 characters"),
        ("https://ada:s/ecret@caller.test/secret", "a string of 38 characters"),
        ("http://caller.test/secret?of=secret", "'http://caller.test'"),
        ("https://caller.test:22/secret", "'https://caller.test'"),
    ],
)
def test_a_refused_callback_url_is_shown_without_what_may_be_secret(url, shown):
    with pytest.raises(InvalidRequest) as refused:
        create(json.dumps(create_body(callback_url=url)).encode(), ADA)
    assert refused.value.message.endswith(f", got {shown}")
    assert "ecret" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://caller.test/hook", "must be an https URL"),
        ("https://169.254.169.254/latest", "must not be a private"),
        ("https://localhost.:99999/", "must be an http"),
        ("https://user:secret@caller.test", "must not hold a user name"),
    ],
)
def test_a_callback_url_that_no_webhook_may_be_sent_to_is_refused_at_once(accepted, url, reason):
    with pytest.raises(InvalidRequest, match=f"callback_url: {reason}"):
        create(json.dumps(create_body(callback_url=url)).encode(), ADA)
    assert len(accepted) == 0


def test_a_body_that_is_not_json_is_malformed():
    with pytest.raises(MalformedRequest):
        create(b"\xff", ADA)


@pytest.mark.parametrize(
    ("callers_own", "tasks_own", "kept"),
    [
        ([], None, []),
        (["failed"], None, ["failed"]),
        (["failed"], ["succeed"], ["succeed"]),
        ([], ["failed"], ["failed"]),
    ],
)
def test_statuses_of_a_task_replace_those_of_its_caller(callers_own, tasks_own, kept):
    caller = Caller(name="ada", callback_statuses=callers_own)
    task = create(json.dumps(create_body(callback_statuses=tasks_own)), caller)
    assert TaskStore().get(task.task_id).callback_statuses == kept


@pytest.mark.parametrize(("statuses", "message"), [([], "at least 1 element"), (["done"], "must be one of")])
def test_statuses_that_there_are_not_are_refused(statuses, message):
    with pytest.raises(InvalidRequest, match=message):
        create(json.dumps(create_body(callback_statuses=statuses)), ADA)
