"""The API's own description, and the page to try it, which calls no other host."""

from __future__ import annotations

import json
import re

from local.children import ROOT
from tests.integration.client import Client


def test_served_openapi_equals_the_document(client: Client) -> None:
    answer = client.http.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json() == json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))


def test_api_page_loads_from_no_other_host(client: Client) -> None:
    answer = client.http.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy
    # Nothing is loaded or linked from another host; what would be, the policy forbids.
    hosts = set(re.findall(r"""(?:https?:)?//([\w.-]+\.\w+)""", answer.text))
    assert hosts == set()
    assert set(re.findall(r"""(?:src|href)\s*=\s*["']?([^"'>\s]+)""", answer.text)) <= {"openapi.json", "./"}
