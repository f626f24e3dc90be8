"""Throws junk at every channel and the callback route, and checks that it has no effect."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.junk import Junk
from tests.integration.client import TERMINAL, JsonObject, picture, wait_until
from tests.integration.driver import Deployment

_LONGEST_ANSWERED_KEY = 900
_QUEUES = ("InboxDeadLetters", "UnstartedTasks")
_REQUESTER = "kiln.requests"
_OF_NO_REQUEST = ("CALLER#", "USAGE#", "GATE#", "SLOTS", "RECONCILER", "STAGE_TIMES")
"""Items that are one for each caller, month or account, however many requests come; the reconciler's may be new too."""
_EVENT_BYTES = 250 * 1024
"""EventBridge takes 256 KB in all."""


@dataclass
class Before:
    """The stack before the junk arrives.

    Attributes:
        items: The keys of the table.
        dead: How many messages were dead-lettered.
        expected: The folders of the outbox in which an answer must appear.
        asked: The ids of the events that must be answered by a task or by a refusal.
    """

    items: set[str]
    dead: int
    expected: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


def look_around(kiln: Deployment) -> Before:
    """Notes what there is."""
    return Before(items=set(_items(kiln)), dead=_dead_letters(kiln))


def of_requests(keys: set[str]) -> set[str]:
    """The keys of the items that a request has made."""
    return {key for key in keys if not key.startswith(_OF_NO_REQUEST)}


def throw_at_inbox(kiln: Deployment, junk: Junk, before: Before, name: str) -> None:
    """Drops a folder with a ``job.json``, an image at the top, or anything at all, under a new name."""
    kind = junk.one_of("folder", "folder", "image", "anything")
    if kind == "folder":
        folder = junk.key(f"{name}-", "").rstrip("/") or name
        key = f"{folder}/job.json"
        kiln.drop(f"{folder}/cat.png", picture() if junk.one_of(True, False) else junk.bytes())
        if junk.number(0, 3) == 0:
            kiln.drop(f"{folder}/defaults.json", junk.content("cat.png"))
        _drop(kiln, key, junk.content("cat.png"))
        if len(key.encode()) <= _LONGEST_ANSWERED_KEY:
            before.expected.append(folder)
    elif kind == "image":
        key = junk.key(f"{name}-", ".png").replace("/", "|")
        fields = {junk.one_of("prompt", "n", "aspect-ratio", "model_name", "other"): junk.header() for _ in range(2)}
        kiln.drop(key, junk.bytes(), **fields)
        before.expected.append(key.encode()[:_LONGEST_ANSWERED_KEY].decode(errors="ignore"))
    else:
        _drop(kiln, junk.key(f"{name}/", junk.one_of("", "/", "/result.json", ".json")), junk.bytes())


def throw_at_callbacks(kiln: Deployment, junk: Junk, task_id: str, *, is_signed: bool) -> None:
    """Calls back at a path, with a token, headers and a body that are junk by turns, each alone or all together.

    Args:
        kiln: The stack.
        junk: What is thrown.
        task_id: A task there is.
        is_signed: Whether the provider's account has a webhook secret, so that even the right token opens nothing.
    """
    link = kiln.callback_link(task_id)
    head, token = link.rsplit("/", 1)
    base = head.rsplit("/", 1)[0]
    is_right = junk.number(0, 2) == 0
    forged = junk.one_of(
        f"{head}/{junk.segment()}",
        f"{base}/{junk.segment()}/{token}",
        f"{base}/{junk.segment()}/{junk.segment()}",
        f"{link}/{junk.segment()}",
        f"{head}/{token.swapcase()}",
    )
    names = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "content-encoding")
    headers = {each: junk.header() for each in names if junk.one_of(True, False)}
    body = junk.one_of(b"x" * 11_000_000, *[junk.content("") for _ in range(30)])
    method = junk.one_of("POST", "POST", "POST", "POST", "PUT", "DELETE", "GET")
    answer = kiln.http.request(method, link if is_right else forged, content=body, headers=headers)
    assert answer.status_code < 500, (junk.seed, method, answer.url, headers, body[:200], answer.text)
    may_ring = is_right and method == "POST" and not is_signed and len(body) < 1_000_000
    assert (answer.status_code == 200) == may_ring or len(body) >= 1_000_000, (method, answer.url, answer.text)


def throw_at_bus(kiln: Deployment, junk: Junk, before: Before) -> None:
    """Asks for a task by an event whose detail is junk."""
    detail = junk.one_of({"data": junk.request(""), "metadata": junk.value()}, {"data": junk.value()}, {})
    text = json.dumps(detail)
    if len(text.encode()) > _EVENT_BYTES:
        return
    entry: Any = {
        "EventBusName": kiln.here["event_bus"],
        "Source": _REQUESTER,
        "DetailType": "Image Task Requested",
        "Detail": text,
    }
    (answer,) = kiln.aws.events.put_events(Entries=[entry])["Entries"]
    if "EventId" in answer:
        before.asked.append(answer["EventId"])


def assert_nothing_came_of_it(kiln: Deployment, before: Before, since: float) -> int:
    """Queues are empty, slots free, every task has ended, what is left in the table will expire, all were answered.

    Returns:
        How many of the throws were sound enough to become tasks.
    """
    kiln.settle()
    new = {key: item for key, item in _items(kiln).items() if key not in before.items}
    tasks = [key.removeprefix("TASK#") for key in new if key.startswith("TASK#")]
    for task_id in tasks:
        wait_until(lambda task_id=task_id: kiln.item(task_id)["task_status"] in TERMINAL, f"{task_id} has ended")
        kiln.wait_for_end(task_id)
    lasting = [key for key, item in new.items() if "expires_at" not in item and not key.startswith(_OF_NO_REQUEST)]
    assert lasting == [], f"items that stay: {lasting}"
    wait_until(lambda: not kiln.holders(), "no slot is held")
    assert _dead_letters(kiln) == before.dead

    def unanswered() -> list[str]:
        return [folder for folder in before.expected if kiln.read(f"{folder}/result.json") is None]

    # A separate workflow notifies of a task, and continues after the task's own has ended.
    wait_until(lambda: not unanswered(), "every request has an answer")
    made_by_bus = sum(kiln.item(task_id)["origin"]["channel"] == "event" for task_id in tasks)

    def not_refused() -> int:
        return len(set(before.asked) - {_request(event) for event in kiln.events_of_type("Image Task Refused")})

    wait_until(lambda: not_refused() <= made_by_bus, "every request that became no task is refused")
    # No request has become two tasks: that would hide one that is lost.
    assert not_refused() == made_by_bus
    assert kiln.logged_errors(since) == []
    return len(tasks)


def _request(refusal: JsonObject) -> str:
    request_event_id: str = refusal["detail"]["metadata"]["request_event_id"]
    return request_event_id


def _drop(kiln: Deployment, key: str, content: bytes) -> None:
    kiln.drop(key.encode()[:1024].decode(errors="ignore"), content)


def _items(kiln: Deployment) -> dict[str, JsonObject]:
    pages = kiln.aws.dynamodb.get_paginator("scan").paginate(TableName=kiln.here["table"], ConsistentRead=True)
    return {item["pk"]["S"]: item for page in pages for item in page["Items"]}


def _dead_letters(kiln: Deployment) -> int:
    count = 0
    for name in _QUEUES:
        answer = kiln.aws.sqs.get_queue_attributes(QueueUrl=kiln.resource(name), AttributeNames=["All"])
        count += int(answer["Attributes"]["ApproximateNumberOfMessages"])
    return count
