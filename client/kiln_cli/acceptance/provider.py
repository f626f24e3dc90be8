"""Facts of the provider where its documents are silent. Kiln accepts each of these answers, so none fails a run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx

from kiln_cli.acceptance.behind import log_lines
from kiln_cli.acceptance.findings import Finding, fact, row, skipped
from kiln_cli.acceptance.trial import TASKS_PATH, Trial, body_of, said
from kiln_cli.operating.accounts_secret import AccountsSecret, has_keys
from kiln_cli.operating.operations import operate

_PAGE = 500
_MOST_PAGES = 10
_DAY = 86_400


def provider(trial: Trial) -> Iterator[Finding]:
    """It accepts the keys; its answer for a missing task; the order and the age of its list."""
    area = "provider"
    checked = operate(trial.installation, "check-provider")
    yield row(area, "accepts the keys", True, checked["accepted"])
    token = _token(trial)
    if not token:
        yield skipped(area, "its answers", "the provider's secret has no key")
        return
    base = trial.installation.parameters["ProviderUrl"] + TASKS_PATH
    headers = {"Authorization": f"Bearer {token}"}
    missing = trial.http.get(f"{base}/acceptance-has-no-such-task", headers=headers)
    yield fact(area, "a missing task", f"{said(missing)} {body_of(missing).get('message', '')}")
    tasks = _list(trial, base, headers, 1, 5)
    times = [each.get("created_at", 0) for each in tasks]
    order = "newest first" if times == sorted(times, reverse=True) else "another order"
    yield fact(area, "order of its list", f"{order}, {len(times)} tasks" if len(times) > 1 else "unknown")
    yield from _oldest(trial, base, headers)


def callbacks(trial: Trial, task_id: str) -> Iterator[Finding]:
    """The order of its callbacks about a task, and whether they are signed, as the log of Kiln has them."""
    if trial.installation.parameters.get("ProviderInputs") == "inline":
        yield skipped("provider", "its callbacks", "ProviderInputs is inline: the provider is asked for none")
        return
    found = [line for line in log_lines(trial, task_id) if line.get("message") == "callback"]
    statuses = [line.get("status") or "other" for line in found]
    yield fact("provider", "its callbacks, in the order of their arrival", ", ".join(statuses) or "none")
    signed = sum(bool(line.get("has_signature")) for line in found)
    yield fact("provider", "callbacks with a signature", f"{signed} of {len(found)}")


def _oldest(trial: Trial, base: str, headers: dict[str, str]) -> Iterator[Finding]:
    """The age of the oldest task that its list still has, and whether the image's link still works."""
    oldest: dict[str, Any] = {}
    for page in range(1, _MOST_PAGES + 1):
        tasks = _list(trial, base, headers, page, _PAGE)
        oldest = min([*tasks, *([oldest] if oldest else [])], key=lambda task: task.get("created_at", 0), default={})
        if len(tasks) < _PAGE:
            break
    if not oldest:
        yield fact("provider", "time to delete", "unknown, its list is empty")
        return
    days = (time.time() - oldest.get("created_at", 0) / 1_000) / _DAY
    yield fact("provider", "age of the oldest task in its list", f"{days:.1f} days")
    images = (oldest.get("task_result") or {}).get("images") or []
    link = images[0].get("url") if images else ""
    if link:
        with trial.http.stream("GET", link) as answer:
            yield fact("provider", "that task's image", f"HTTP {answer.status_code}")


def _list(trial: Trial, base: str, headers: dict[str, str], page: int, size: int) -> list[dict[str, Any]]:
    answer: httpx.Response = trial.http.get(f"{base}?pageNum={page}&pageSize={size}", headers=headers)
    found = body_of(answer).get("data")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _token(trial: Trial) -> str:
    """A key for requests to the provider: its API key, or a token as its documents describe it."""
    keys = next((each for each in AccountsSecret(trial.installation).read() if has_keys(each)), {})
    if not keys or keys.get("api_key"):
        return str(keys.get("api_key", ""))
    now = int(time.time())
    claims = {"iss": keys["access_key"], "exp": now + 600, "nbf": now - 5}
    parts = ".".join(_encoded(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.new(keys["secret_key"].encode(), parts.encode(), hashlib.sha256).digest()
    return f"{parts}.{_encoded(signature)}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
