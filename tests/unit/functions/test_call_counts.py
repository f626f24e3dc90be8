"""How many calls each function makes of AWS and the provider: none more than the task needs, held steady."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from botocore.client import BaseClient

from kiln import clock, links
from kiln.auth.callers import Caller
from kiln.images import storage
from kiln.intake.uploads import open_upload
from kiln.provider import Provider
from kiln.tasks import admission
from tests.support.account import SECRETS, put_secret
from tests.support.fakes import SignedPuts
from tests.support.functions import TASK_ID, call, invoke, sample
from tests.support.images import in_base64, padded, picture
from tests.support.samples import add_task

CREATE: dict[str, Any] = {"subject_image_list": [{"subject_image": "https://images.test/cat.png"}], "prompt": "A cat"}


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch) -> None:
    """Each test takes no time: a new second or minute would add a call."""
    monkeypatch.setattr(admission, "time", SimpleNamespace(time=lambda: 1_800_000_030.0, monotonic=lambda: 1.0))


@pytest.fixture
def calls(monkeypatch) -> Callable[..., Any]:
    """Records the calls that are made of AWS within a block; the clients' own operations, in order."""
    made: list[str] = []
    make = BaseClient._make_api_call

    def make_api_call(self: Any, operation: str, parameters: Any) -> Any:
        made.append(operation)
        return make(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", make_api_call)

    @contextmanager
    def record() -> Iterator[list[str]]:
        made.clear()
        yield made

    return record


def create(body: dict[str, Any], **headers: str) -> None:
    event = sample("api-create", body=json.dumps(body))
    event["headers"] |= headers
    status, answer, _ = call("submit", event)
    assert (status, answer["code"]) == (200, 0)


def test_a_warm_create_is_one_write_for_the_caller_and_one_for_the_task(calls):
    create(CREATE)
    with calls() as made:
        create(CREATE)
    assert made == ["UpdateItem", "PutItem"]


def test_create_of_a_caller_with_a_budget_reads_its_usage(calls):
    put_secret("kiln-callers", {"callers": [{**SECRETS["kiln-callers"]["callers"][0], "units_per_month": 100}]})
    create(CREATE)
    with calls() as made:
        create(CREATE)
    assert made == ["GetItem", "UpdateItem", "PutItem"]


def test_first_task_of_a_second_reads_the_queue_and_first_of_all_the_keys(calls):
    with calls() as made:
        create(CREATE)
    # The caller's minute begins with this task: the write for the same minute failed its condition.
    assert made == ["GetSecretValue", "UpdateItem", "UpdateItem", "GetItem", "PutItem", "GetItem"]


def test_an_image_adds_a_put_through_a_signed_link_and_no_other_call(cloud, calls, monkeypatch):
    create(CREATE)
    pool = SignedPuts(cloud.s3)
    monkeypatch.setattr(storage, "http", lambda: pool)
    images = [{"subject_image": in_base64(padded(picture(), 50_000))}] * 4
    with calls() as made:
        create({**CREATE, "subject_image_list": images})
    # The double's own PutObject stands for what went over the link.
    assert sorted(made) == ["PutItem", *["PutObject"] * 4, "UpdateItem"]
    assert len(pool.options) == 4


def test_an_upload_adds_a_look_at_the_minute_two_at_itself_and_a_copy_however_often_it_is_named(cloud, calls):
    create(CREATE)
    place = open_upload(Caller(name="ada"))
    cloud.s3.put_object(Bucket="kiln-inputs", Key=place.fields["key"], Body=picture())
    uploaded = {"subject_image": place.reference}
    with calls() as made:
        create({**CREATE, "subject_image_list": [uploaded]})
    assert made == ["HeadObject", "GetItem", "GetObject", "UpdateItem", "CopyObject", "PutItem"]
    with calls() as made:
        create({**CREATE, "subject_image_list": [uploaded] * 4})
    assert made == ["HeadObject", "GetItem", "GetObject", "UpdateItem", *["CopyObject"] * 4, "PutItem"]


def test_cancel_reads_the_task_ends_it_refunds_its_turn_and_wakes_the_workflow(calls):
    create({**CREATE, "external_task_id": "order-7"})
    with calls() as made:
        assert call("submit", sample("api-cancel"))[0] == 200
    assert made == [*["GetItem"] * 3, "TransactWriteItems", "GetItem", *["UpdateItem"] * 2]


def test_idempotency_key_adds_a_read_of_its_task_and_external_id_one_of_its_claim(calls):
    create(CREATE)
    with calls() as made:
        create(CREATE, **{"Idempotency-Key": "7"})
    assert made == ["GetItem", "UpdateItem", "PutItem"]
    with calls() as made:
        create(CREATE, **{"Idempotency-Key": "7"})
    assert made == ["GetItem"]
    with calls() as made:
        create({**CREATE, "external_task_id": "order-8"})
    assert made == ["GetItem", "UpdateItem", "TransactWriteItems"]


def test_a_callback_is_one_write(calls):
    add_task(TASK_ID)
    token = links._token("callback", TASK_ID)
    event = sample("api-callback", path=f"/v1/callbacks/{TASK_ID}/{token}")
    event["pathParameters"] = {"task_id": TASK_ID, "token": token}
    call("callback", event)
    with calls() as made:
        assert call("callback", event)[0] == 200
    assert made == ["UpdateItem"]


def test_every_step_asks_the_provider_once_and_writes_what_it_has_to(calls, monkeypatch):
    asked: list[str] = []
    state: dict[str, Any] = {"task_id": "829", "task_status": "submitted"}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return httpx.Response(200, json={"code": 0, "message": "SUCCEED", "request_id": "r", "data": state})

    provider = Provider(client=httpx.Client(transport=httpx.MockTransport(answer)))
    for step in ("dispatch", "poll"):
        monkeypatch.setattr(f"kiln.workflow.{step}.provider_for", lambda _: provider)
    add_task(TASK_ID, created_at=clock.milliseconds())
    provider.query(TASK_ID)
    asked.clear()

    with calls() as made:
        invoke("dispatch", sample("workflow-dispatch"))
    # Slots, task and gate are read at once; then the slots are acquired, the attempt is counted and its end is kept.
    assert [each for each in made if each != "GetSecretValue"] == ["BatchGetItem", *["UpdateItem"] * 3]
    assert asked == ["POST"]
    with calls() as made:
        invoke("poll", sample("workflow-poll"))
    # Each poll reads the gate.
    assert (made, asked) == (["UpdateItem", "GetItem"], ["POST", "GET"])
    state["task_status"] = "processing"
    with calls() as made:
        invoke("poll", sample("workflow-poll"))
    assert made == ["UpdateItem", "GetItem", "UpdateItem"]
    state["task_status"] = "succeed"
    with calls() as made:
        invoke("poll", sample("workflow-poll"))
    assert made == ["UpdateItem", "GetItem", "GetItem", "Query", "UpdateItem"]
