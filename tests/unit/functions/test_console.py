"""The console function: the page, its files, and the headers that restrict them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from typing import Any

import pytest

from kiln.intake.cancel import REASON
from kiln.settings import load
from tests.support.account import ROOT
from tests.support.functions import function, invoke, sample

BUCKETS = "https://inbox.s3.eu-west-1.amazonaws.com https://outbox.s3.eu-west-1.amazonaws.com"
PAGE = ROOT / "functions/console/page"
FILES = ["console.js", "icon.svg"]
COMPRESSED_BYTES = 60_000


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
    found = re.search(r'src="console/([0-9a-f]{12})/console\.js"', ask("/")["body"])
    assert found
    return found[1]


def script() -> str:
    body: str = ask(f"/console/{version()}/console.js", file=f"{version()}/console.js")["body"]
    return body


def test_page_links_its_files_by_relative_addresses():
    answer = ask("/")
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert answer["headers"]["Cache-Control"] == "no-cache"
    named = set(re.findall(r'(?:src|href)="([^"#]+)"', answer["body"])) - {"docs"}
    assert named
    for address in named:
        prefix, name = address.rsplit("/", 1)
        assert prefix == f"console/{version()}"
        assert name in FILES
    assert "{" not in re.sub(r"<style>.*</style>", "", answer["body"], flags=re.DOTALL)


def test_address_without_slash_is_redirected_to_the_one_with_it():
    answer = ask("/", stage="/base/live")
    assert answer["statusCode"] == 200
    event = sample("api-query-one", path="/", pathParameters=None)
    event["requestContext"]["path"] = "/base/live"
    answer = invoke("console", event)
    assert (answer["statusCode"], answer["multiValueHeaders"]["Location"]) == (302, ["live/"])


def test_page_and_one_script_are_all_that_is_loaded():
    body = ask("/")["body"]
    assert re.findall(r'<(?:script|link)[^>]*(?:src|href)="console/[^/]+/([^"]+)"', body) == ["icon.svg", "console.js"]
    text = script()
    assert len(gzip.compress(text.encode())) + len(gzip.compress(body.encode())) < COMPRESSED_BYTES


def test_script_has_every_module_once_and_after_those_it_imports():
    text = script()
    made = re.findall(r'^modules\["(.+?)"\] = ', text, re.MULTILINE)
    assert sorted([*made, "theme.js"]) == sorted(path.name for path in PAGE.glob("*.js"))
    for number, name in enumerate(made):
        needed = re.findall(r'^import .+? from "\./(.+?)";$', (PAGE / name).read_text("utf-8"), re.MULTILINE)
        assert set(needed) <= set(made[:number])
    assert not re.search(r"^(?:import|export)\b", text, re.MULTILINE)


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_served_and_cached_without_limit(name):
    answer = ask(f"/console/{version()}/{name}", file=f"{version()}/{name}")
    assert answer["statusCode"] == 200
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    assert answer["headers"]["Content-Type"] == f"{types[name.rpartition('.')[2]]}; charset=utf-8"
    assert answer["headers"]["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "file",
    [
        "{version}/nothing.js",
        "{version}/index.html",
        "{version}/../app.py",
        "000000000000/console.js",
        "{version}/main.js",
    ],
)
def test_unknown_file_is_not_found(file):
    file = file.format(version=version())
    answer = ask(f"/console/{file}", file=file)
    assert answer["statusCode"] == 404
    assert "Cache-Control" not in answer["headers"]


@pytest.mark.parametrize("path", ["/", "/console/console.js"])
def test_policy_allows_own_files_the_api_and_the_buckets_only(path):
    answer = ask("/") if path == "/" else ask(path, file=f"{version()}/console.js")
    headers = answer["headers"]
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    # The one style sheet that the page itself holds, and no other.
    [style] = re.findall(r"<style>(.*?)</style>", ask("/")["body"], re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy["style-src"] == f"'sha256-{digest}'"
    assert policy["connect-src"] == f"'self' {BUCKETS}"
    assert policy["img-src"] == f"'self' {BUCKETS} blob:"
    assert policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


def test_page_has_no_inline_script_or_style():
    page = (PAGE / "index.html").read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_files_name_no_other_host():
    hosts = {host for path in (PAGE).iterdir() for host in re.findall(r"https?://(\w[\w.-]*)", path.read_text("utf-8"))}
    assert hosts <= {"www.w3.org"}


def test_cancelled_task_is_recognised_by_the_reason_that_cancel_writes():
    assert f'"{REASON}"' in (PAGE / "card.js").read_text("utf-8")


def test_policy_names_the_aws_endpoint_when_one_is_set(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    forget()
    assert "connect-src 'self' http://127.0.0.1:4566;" in ask("/")["headers"]["Content-Security-Policy"]
