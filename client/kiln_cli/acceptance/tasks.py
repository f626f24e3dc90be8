"""Checks of tasks by the API: idempotency, ids, links, progress, webhooks, cancel and retry. These cost images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import httpx

from kiln_cli.acceptance.bus import Subscriber
from kiln_cli.acceptance.findings import Finding, fact, row, skipped
from kiln_cli.acceptance.trial import TASKS_PATH, Trial, body_of, data, said

_MOST_IMAGES = 9
_ENDED = {"succeed", "failed"}


class ApiTask:
    """A task that is created by the API.

    Attributes:
        task_id: The task; empty before it is created.
        links: The links of its images, once it has ended.
    """

    def __init__(self, trial: Trial, subscriber: Subscriber) -> None:
        self.task_id = ""
        self.links: list[str] = []
        self._trial = trial
        self._subscriber = subscriber
        # The slash and the percent sign show what the gateway does to a path.
        self._external_id = f"{trial.mark}/api 100%25"
        self._key = f"{trial.mark}-key"
        fields = {"callback_url": trial.webhook_url} if trial.webhook_url else {}
        self._body = json.dumps(trial.job(external_task_id=self._external_id, **fields)).encode()

    def create(self) -> Iterator[Finding]:
        """Creates it; a repeated request makes no second task."""
        area, trial = "create", self._trial
        answer = self._post(self._key)
        self.task_id = trial.created(answer)
        yield row(area, "by the API", "200/0", said(answer))
        yield fact("latency", "create answered after", f"{answer.elapsed.total_seconds():.2f} s")
        if not self.task_id:
            return
        again = self._post(self._key)
        yield row(area, "the same Idempotency-Key gives the same task", self.task_id, data(again).get("task_id"))
        changed = self._post(self._key, json.dumps(trial.job(n=2)).encode())
        yield row(area, "an Idempotency-Key with another body", "422/1201", said(changed))
        yield row(area, "an external id that exists", "400/1201", said(self._post("")))
        early = trial.send("POST", f"{TASKS_PATH}/{self.task_id}/retry", json={})
        yield row(area, "retry before the end", "409/1201", said(early))

    def end(self) -> Iterator[Finding]:
        """It succeeds, and every route shows it."""
        area, trial = "task", self._trial
        task = trial.ended(self.task_id)
        why = task.get("task_status_msg", "")
        yield row(area, "ends", "succeed", f"{task.get('task_status')} {why}".strip())
        escaped = httpx.URL(trial.url("/")).copy_with(
            raw_path=httpx.URL(trial.url(f"{TASKS_PATH}/")).raw_path + quote(self._external_id, safe="").encode()
        )
        key = {"Authorization": f"Bearer {trial.caller['api_keys'][0]}"}
        found = data(trial.http.get(escaped, headers=key))
        yield row(area, "query by an external id with a slash", self.task_id, found.get("task_id"))
        listed = body_of(trial.send("GET", f"{TASKS_PATH}?pageSize=30")).get("data") or []
        yield row(area, "is in the list", True, self.task_id in {each["task_id"] for each in listed})
        stored = data(trial.send("GET", f"{TASKS_PATH}/{self.task_id}/request"))
        yield row(area, "its request has the prompt", trial.prompt, stored.get("prompt"))
        answer = trial.send("POST", f"{TASKS_PATH}/{self.task_id}/cancel", json={})
        yield row(area, "cancel after the end", "409/1201", said(answer))
        self.links = [each["url"] for each in (task.get("task_result") or {}).get("images", [])]

    def show_links(self) -> Iterator[Finding]:
        """The links of its images need no key, and cannot be guessed."""
        for link in self.links[:1]:
            fetched = self._trial.http.get(link, follow_redirects=True)
            kind = fetched.headers.get("content-type", "")
            is_well = fetched.is_success and kind.startswith("image/")
            yield row("links", "GET without a key", "200 image/*", f"{fetched.status_code} {kind}", is_well=is_well)
            head = self._trial.http.head(link, follow_redirects=False)
            yield row("links", "HEAD", "2xx or 302", head.status_code, is_well=head.status_code < 400)
            before, token, file = link.rsplit("/", 2)
            forged = self._trial.http.get(f"{before}/{token[::-1]}/{file}")
            yield row("links", "a forged link", "404/1203", said(forged))

    def show_progress(self) -> Iterator[Finding]:
        """Its steps in order, and the time between them."""
        progress = data(self._trial.send("GET", f"{TASKS_PATH}/{self.task_id}/progress"))
        steps = [(each["step"], each["at"]) for each in progress.get("steps", [])]
        names = [name for name, _ in steps]
        expected = ["accepted", "slots_acquired", "dispatched", "collecting", "succeed"]
        yield row("progress", "steps", ", ".join(expected), ", ".join(names))
        for (name, at), (following, later) in pairwise(steps):
            yield fact("latency", f"{name} → {following}", f"{(later - at) / 1_000:.1f} s")
        if steps:
            yield fact("latency", "accepted → end", f"{(steps[-1][1] - steps[0][1]) / 1_000:.1f} s")
        counts = ("wake_ups", "polls", "dispatch_attempts")
        yield fact("progress", "wake-ups, polls, attempts", ", ".join(str(progress.get(each)) for each in counts))

    def show_events(self) -> Iterator[Finding]:
        """Its events reach a queue by a rule on the bus, each status once."""
        kinds = self._subscriber.kinds_of(self.task_id)
        expected = ["Image Task Submitted", "Image Task Succeeded"]
        yield row("events", "arrive in a queue", " and ".join(expected), kinds, is_well=set(expected) <= set(kinds))
        yield row("events", "each status once", sorted(set(kinds)), sorted(kinds))

    def show_webhooks(self) -> Iterator[Finding]:
        """Its receiver is notified, and every webhook is signed."""
        trial = self._trial
        if not trial.webhook_url:
            yield skipped("webhooks", "a receiver is notified", "name a receiver with --webhook-url")
            return
        trial.wait(lambda: _ENDED & set(self._delivered()))
        yield row("webhooks", "the end is delivered", "succeed", self._delivered(), is_well=self._has_end())
        if trial.receiver is None:
            return
        received = [each for each in trial.receiver.received if each.json().get("task_id") == self.task_id]
        statuses = [each.json().get("task_status") for each in received]
        yield row("webhooks", "received statuses", "succeed", statuses, is_well="succeed" in statuses)
        secret = trial.caller.get("webhook_secret")
        if not secret:
            yield skipped("webhooks", "signatures", f"caller {trial.caller['name']} has no webhook_secret")
            return
        yield row("webhooks", "signatures", True, all(each.is_signed_with(secret) for each in received))
        yield row("webhooks", "another secret fits none", False, any(each.is_signed_with("AAAA") for each in received))

    def _delivered(self) -> list[str]:
        found: Any = body_of(self._trial.send("GET", f"{TASKS_PATH}/{self.task_id}/deliveries")).get("data") or []
        return [each["task_status"] for each in found if each["outcome"] == "delivered"]

    def _has_end(self) -> bool:
        return bool(_ENDED & set(self._delivered()))

    def _post(self, key: str, body: bytes = b"") -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self._trial.send("POST", TASKS_PATH, content=body or self._body, headers=headers)


def wait_for_end(trial: Trial) -> Iterator[Finding]:
    """A request that waits gets an answer before the gateway gives up."""
    check = "Prefer: wait=25"
    if not trial.can_spend(1):
        yield skipped("create", check, "needs 1 more image (--budget)")
        return
    answer = trial.send("POST", TASKS_PATH, json=trial.job(), headers={"Prefer": "wait=25"})
    trial.created(answer)
    yield row("create", check, "200/0", said(answer))
    yield fact("create", f"{check}: seconds", f"{answer.elapsed.total_seconds():.1f} {data(answer).get('task_status')}")


def cancel(trial: Trial) -> Iterator[Finding]:
    """A task in the queue can be cancelled. Another task fills the slots, so that it waits."""
    check, slots = "a task in the queue", int(trial.installation.parameters.get("ProviderSlots", "0"))
    if not 0 < slots <= _MOST_IMAGES or not trial.can_spend(slots):
        yield skipped(
            "cancel", check, f"filling the {slots} slots needs as many images (--budget, {_MOST_IMAGES} at most)"
        )
        return
    filling = trial.created(trial.send("POST", TASKS_PATH, json=trial.job(n=slots)))
    trial.wait(lambda: _has_slots(trial, filling))
    waiting = trial.created(trial.send("POST", TASKS_PATH, json=trial.job()))
    answer = trial.send("POST", f"{TASKS_PATH}/{waiting}/cancel", json={})
    yield row("cancel", check, "200 failed", f"{answer.status_code} {data(answer).get('task_status')}")
    yield row("cancel", "the task before it is untouched", "succeed", trial.ended(filling).get("task_status"))


def retry(trial: Trial, task_id: str) -> Iterator[Finding]:
    """A task that has ended can be retried: the same request makes a new task."""
    if not trial.can_spend(1):
        yield skipped("retry", "an ended task", "needs 1 more image (--budget)")
        return
    answer = trial.send("POST", f"{TASKS_PATH}/{task_id}/retry", json={})
    retried = trial.created(answer)
    yield row("retry", "an ended task", "200/0", said(answer))
    yield row("retry", "makes another task", True, retried not in {"", task_id})
    yield row("retry", "which ends", "succeed", trial.ended(retried).get("task_status"))


def _has_slots(trial: Trial, task_id: str) -> bool:
    steps = data(trial.send("GET", f"{TASKS_PATH}/{task_id}/progress")).get("steps", [])
    return any(each["step"] == "slots_acquired" for each in steps)
