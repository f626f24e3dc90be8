"""The documents that Kiln serves: ``/openapi.json`` and the page to try the API with."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path

_PAGE = Path(__file__).with_name("page.html")


@cache
def openapi_json() -> str:
    """The OpenAPI document, made when it is first asked for."""
    from kiln.documents.openapi import openapi  # noqa: PLC0415 - making schemas takes time that no query should pay for

    return json.dumps(openapi())


@cache
def docs_html() -> str:
    """The page."""
    return _PAGE.read_text(encoding="utf-8")


@cache
def content_security_policy() -> str:
    """The page's policy: it runs its own script and style, and calls this API alone."""
    script, style = (_digest(tag) for tag in ("script", "style"))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", docs_html(), re.DOTALL)
    text = found[1] if found else ""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
