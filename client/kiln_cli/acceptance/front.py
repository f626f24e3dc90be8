"""Checks of the API's front that make no task: routes, keys, limits, and what a browser asks first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import quote

import httpx

from kiln_cli.acceptance.findings import Finding, fact, row, skipped
from kiln_cli.acceptance.trial import TASKS_PATH, Trial, body_of, data, said

_MIB = 1024 * 1024
_ORIGIN = "https://acceptance.example"
_NONE = "0" * 32
_AT_ONCE = 32


def routes(trial: Trial) -> Iterator[Finding]:
    """Known routes answer; unknown ones and unknown ids get the contract's refusals."""
    area = "routes"
    for check, method, path, expected in (
        ("unknown path", "GET", "/v1/no-such-route", "404/1202"),
        ("unknown method", "DELETE", TASKS_PATH, "404/1202"),
        ("unknown task", "GET", f"{TASKS_PATH}/{_NONE}", "404/1203"),
        ("forged callback", "POST", f"/v1/callbacks/{_NONE}/forged", "404/1203"),
        ("forged result link", "GET", f"/v1/results/{_NONE}/forged/0.png", "404/1203"),
        ("cancel of an unknown task", "POST", f"{TASKS_PATH}/{_NONE}/cancel", "404/1203"),
        ("retry of an unknown task", "POST", f"{TASKS_PATH}/{_NONE}/retry", "404/1203"),
        ("list", "GET", f"{TASKS_PATH}?pageSize=1", "200/0"),
    ):
        yield row(area, check, expected, said(trial.send(method, path, **({"json": {}} if method == "POST" else {}))))
    slash = httpx.URL(trial.url("/")).copy_with(
        raw_path=httpx.URL(trial.url(f"{TASKS_PATH}/")).raw_path + quote(f"{trial.mark}/none 100%25", safe="").encode()
    )
    key = {"Authorization": f"Bearer {trial.caller['api_keys'][0]}"}
    yield row(area, "id with an encoded slash reaches Kiln", "404/1203", said(trial.http.get(slash, headers=key)))
    for path in ("/openapi.json", "/docs", "/"):
        yield row(area, f"GET {path}", 200, trial.http.get(trial.url(path)).status_code)


def keys(trial: Trial) -> Iterator[Finding]:
    """Requests without a valid key are refused."""
    for check, headers, expected in (
        ("no key", {}, "401/1001"),
        ("unknown key", {"Authorization": "Bearer acceptance-has-no-such-key"}, "401/1000"),
        ("another scheme", {"Authorization": "Basic YTpi"}, "401/1002"),
    ):
        yield row("keys", check, expected, said(trial.http.get(trial.url(TASKS_PATH), headers=headers)))


def limits(trial: Trial) -> Iterator[Finding]:
    """The limits of API Gateway and of Lambda, and the contract's own."""
    area = "limits"
    for check, size in (
        ("body over Lambda's 6 MB", 6 * _MIB + 300_000),
        ("body over API Gateway's 10 MB", 10 * _MIB + 1),
    ):
        answer = trial.send("POST", TASKS_PATH, content=json.dumps({"prompt": "x" * size}).encode())
        yield row(area, check, 413, answer.status_code)
        yield fact(area, f"{check}: has the envelope", f"{'code' in body_of(answer)}: {answer.text[:90]}")
    answer = trial.send("GET", TASKS_PATH, headers={"X-Long": "x" * 10_240})
    yield row(area, "headers over 10,240 bytes", "4xx", answer.status_code, is_well=400 <= answer.status_code < 500)
    for check, content, expected in (
        ("body that is no JSON object", b"[]", "400/1200"),
        ("body without images", b"{}", "400/1201"),
        ("prompt over the contract's limit", json.dumps(trial.job(prompt="x" * 2_501)).encode(), "400/1201"),
    ):
        yield row(area, check, expected, said(trial.send("POST", TASKS_PATH, content=content)))


def browsers(trial: Trial) -> Iterator[Finding]:
    """A browser's preflight, as the parameter CorsOrigin allows it."""
    origin = trial.installation.parameters.get("CorsOrigin", "none")
    asked = {
        "Origin": _ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = trial.http.options(trial.url(TASKS_PATH), headers=asked)
    yield row("browsers", "preflight names the origin", origin, answer.headers.get("access-control-allow-origin"))
    allowed = answer.headers.get("access-control-allow-headers", "").lower()
    yield row("browsers", "preflight allows the key", "authorization", allowed, is_well="authorization" in allowed)
    refused = trial.http.get(trial.url("/v1/no-such-route"), headers={"Origin": _ORIGIN})
    got = refused.headers.get("access-control-allow-origin")
    yield row("browsers", "gateway's refusal names the origin", origin, got)
    encoding = trial.http.get(trial.url("/openapi.json"), headers={"Accept-Encoding": "gzip"}).headers
    yield fact("browsers", "compression of a large answer", encoding.get("content-encoding", "none"))


def minute(trial: Trial) -> Iterator[Finding]:
    """More tasks a minute than the caller's limit get 429. Requests with an upload that is no image cost nothing."""
    check = "more requests than the caller's tasks a minute"
    limit = int(trial.caller.get("tasks_per_minute") or trial.installation.parameters.get("CallerTasksPerMinute", "0"))
    most = 2 * limit + 1  # A new minute may begin meanwhile.
    if most > trial.most_requests:
        yield skipped("limits", check, f"needs --requests {most}, and refuses this caller for a minute")
        return
    upload = data(trial.send("POST", "/v1/uploads"))
    no_image = {"file": b"This is no image. " * 20}
    trial.http.post(upload["url"], data=upload["fields"], files=no_image)
    remove = partial(
        trial.installation.client("s3").delete_object, Bucket=trial.installation.output("InputsBucketName")
    )
    trial.undo.callback(remove, Key=upload["fields"]["key"])
    body = trial.job(subject_image_list=[{"subject_image": upload["reference"]}])
    answers: list[str] = []
    while len(answers) < most and (not answers or answers[-1].startswith("400")):
        answers.append(said(trial.send("POST", TASKS_PATH, json=body)))
    yield row("limits", check, "400/1201, then 429/1302", ", then ".join(dict.fromkeys(answers)))


def throttle(trial: Trial) -> Iterator[Finding]:
    """More requests at once than the API accepts get 429. The preflights invoke no function and cost nothing."""
    check, burst = "more requests at once than ApiBurst", int(trial.installation.parameters.get("ApiBurst", "0"))
    if burst * 3 > trial.most_requests:
        yield skipped("limits", check, f"needs --requests {burst * 3}, and refuses other callers for a second")
        return
    asked = {"Origin": _ORIGIN, "Access-Control-Request-Method": "POST"}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ask = partial(trial.http.options, trial.url(TASKS_PATH), headers=asked)
        answers = list(pool.map(lambda _: ask(), range(burst * 3)))
    refused = [said(each) for each in answers if not each.is_success]
    yield row("limits", check, "429/1302", ", ".join(sorted(set(refused))) or "none was refused")
