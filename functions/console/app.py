"""The console function: serves the page at the API's root, and the page's files."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from kiln.errors import ResourceNotFound
from kiln.settings import ConsoleSettings, load
from kiln_lambda import console_bundle
from kiln_lambda.contract_api import ContractApi
from kiln_lambda.observability import observed

_TYPES = {".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
_PAGE = "index.html"
_ICON = "icon.svg"
_SOURCES = {path.name: path.read_text("utf-8") for path in sorted(Path(__file__).with_name("page").iterdir())}
# The page and one script are two requests. The sources are for people.
_PAGE_TEXT, _STYLE_DIGEST = console_bundle.page(_SOURCES, _PAGE)
_FILES = {_PAGE: _PAGE_TEXT, "console.js": console_bundle.script(_SOURCES), _ICON: _SOURCES[_ICON]}
# Part of each file's address, so that browsers can cache a file without limit and never mix two versions.
_VERSION = hashlib.sha256("\0".join(name + text for name, text in _FILES.items()).encode()).hexdigest()[:12]

app = ContractApi()


@cache
def _protection() -> dict[str, str]:
    """Headers that let the page run its own files alone, and connect to this API and the buckets alone."""
    allowed = f"'self' {load(ConsoleSettings).buckets}"
    policy = (
        f"default-src 'none'; script-src 'self'; style-src {_STYLE_DIGEST}; "
        f"img-src {allowed} blob:; connect-src {allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _file(name: str, text: str, cache_control: str) -> Response[str]:
    content_type = f"{_TYPES[Path(name).suffix]}; charset=utf-8"
    return Response(200, content_type, text, {**_protection(), "Cache-Control": cache_control})


@app.get("/")
def page() -> Response[str]:
    """Serves the page. Its links are relative, so an address that does not end in a slash is redirected."""
    path = str(app.current_event.request_context.path)
    if not path.endswith("/"):
        return Response(302, "text/plain", "", {"Location": f"{path.rpartition('/')[2]}/"})
    text = _FILES[_PAGE].replace("{version}", _VERSION).replace("{buckets}", load(ConsoleSettings).buckets)
    text = text.replace("{provider}", load(ConsoleSettings).provider)
    return _file(_PAGE, text, "no-cache")


@app.get("/console/.+")
def file() -> Response[str]:
    """Serves one file of the page."""
    version, _, name = str(app.current_event.path_parameters["file"]).partition("/")
    if version != _VERSION or name not in _FILES or name == _PAGE:
        raise ResourceNotFound("no such file of the console; reload the page")
    return _file(name, _FILES[name], "public, max-age=31536000, immutable")


@observed("requestContext.requestId")
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serves API Gateway."""
    return app.resolve(event, context)
