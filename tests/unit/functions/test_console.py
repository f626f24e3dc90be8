"""The console function: the page, its files, and what a browser is told it may do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kiln.intake.cancel import REASON
from kiln.settings import load
from tests.support.account import ROOT
from tests.support.functions import function, invoke, sample

BUCKETS = "https://inbox.s3.eu-west-1.amazonaws.com https://outbox.s3.eu-west-1.amazonaws.com"
FILES = sorted(path.name for path in (ROOT / "functions/console/page").iterdir() if path.name != "index.html")


@pytest.fixture(autouse=True)
def _buckets(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("BUCKET_ORIGINS", BUCKETS)
    forget()
    yield
    forget()


def forget() -> None:
    load.cache_clear()
    function("console")._protection.cache_clear()


def ask(path: str, *, stage: str = "/live", file: str | None = None) -> dict[str, Any]:
    event = sample("api-query-one", path=path, resource=path, pathParameters={"file": file} if file else None)
    event["requestContext"]["path"] = f"{stage}{path}"
    answer: dict[str, Any] = invoke("console", event)
    answer["headers"] = {name: values[0] for name, values in answer["multiValueHeaders"].items()}
    return answer


def version() -> str:
    return re.search(r'src="console/([0-9a-f]{12})/main\.js"', ask("/")["body"])[1]


def test_the_page_names_its_files_relative_to_itself():
    answer = ask("/")
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert answer["headers"]["Cache-Control"] == "no-cache"
    named = re.findall(r'(?:src|href)="([^"#]+)"', answer["body"])
    assert named
    for address in named:
        prefix, name = address.rsplit("/", 1)
        assert prefix == f"console/{version()}"
        assert name in FILES
    assert "{" not in re.sub(r"<script.*|<!--.*", "", answer["body"])


def test_below_a_stage_without_a_slash_the_browser_is_sent_to_the_one_with_it():
    answer = ask("/", stage="/base/live")
    assert answer["statusCode"] == 200
    event = sample("api-query-one", path="/", pathParameters=None)
    event["requestContext"]["path"] = "/base/live"
    answer = invoke("console", event)
    assert (answer["statusCode"], answer["multiValueHeaders"]["Location"]) == (302, ["live/"])


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_and_kept_for_ever(name):
    answer = ask(f"/console/{version()}/{name}", file=f"{version()}/{name}")
    assert answer["statusCode"] == 200
    assert answer["body"] == (ROOT / "functions/console/page" / name).read_text("utf-8")
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    assert answer["headers"]["Content-Type"] == f"{types[name.rpartition('.')[2]]}; charset=utf-8"
    assert answer["headers"]["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "file", ["{version}/nothing.js", "{version}/index.html", "{version}/../app.py", "000000000000/main.js", "main.js"]
)
def test_nothing_else_is_served(file):
    file = file.format(version=version())
    answer = ask(f"/console/{file}", file=file)
    assert answer["statusCode"] == 404
    assert "Cache-Control" not in answer["headers"]


@pytest.mark.parametrize("path", ["/", "/console/main.js"])
def test_a_browser_may_run_the_page_alone_and_talk_to_the_api_and_the_buckets(path):
    answer = ask("/") if path == "/" else ask(path, file=f"{version()}/main.js")
    headers = answer["headers"]
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == f"'self' {BUCKETS}"
    assert policy["img-src"] == f"'self' {BUCKETS} blob:"
    assert policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


def test_the_page_holds_no_script_and_no_style_of_its_own():
    page = (ROOT / "functions/console/page/index.html").read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_no_file_names_another_host():
    hosts = {
        host
        for path in (ROOT / "functions/console/page").iterdir()
        for host in re.findall(r"https?://([\w.-]+)", path.read_text("utf-8"))
    }
    assert hosts <= {"www.w3.org"}


def test_the_page_knows_a_cancelled_task_by_the_words_it_is_cancelled_with():
    assert f'"{REASON}"' in (ROOT / "functions/console/page/card.js").read_text("utf-8")


def test_where_aws_is_somewhere_else_the_buckets_are_there_too(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    forget()
    assert "connect-src 'self' http://127.0.0.1:4566;" in ask("/")["headers"]["Content-Security-Policy"]
