"""Makes one script and one page of the console's readable files: modules become functions, style sheets become text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping

_FIRST_SHEET = "frame.css"
"""The sheet that the page itself holds: colours, type, the top bar and the skeleton that is shown first."""

_START = "main.js"
_THEME = "theme.js"

_IMPORT = re.compile(r'^import (?P<names>.+?) from "\./(?P<file>[\w.]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?P<kept>(?:async )?(?:function|class|const) (?P<name>\w+))", re.MULTILINE)
_COMMENT = re.compile(r"^\s*(?://.*|/\*\*.*\*/|/\*\*(?s:.*?)\*/)\n", re.MULTILINE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)
_LINKS = re.compile(r"^ *<(?:link rel=.stylesheet.|script) .*\n", re.MULTILINE)


def script(files: Mapping[str, str]) -> str:
    """The whole console as one script: each module runs once, after those that it imports."""
    sheets = [_sheet(text) for name, text in files.items() if name.endswith(".css") and name != _FIRST_SHEET]
    parts = [
        '"use strict";',
        "const sheet = new CSSStyleSheet();",
        f"sheet.replaceSync({json.dumps(''.join(sheets), ensure_ascii=False)});",
        "document.adoptedStyleSheets = [sheet];",
        _bare(files[_THEME]),
        "const modules = {};",
        *(_module(name, files[name]) for name in _in_order(files, _START, [])),
    ]
    return "(() => {\n" + "\n".join(parts) + "})();\n"


def page(files: Mapping[str, str], name: str) -> tuple[str, str]:
    """The page with its first style sheet inside and the script beside it, and the digest that permits the sheet."""
    style = _sheet(files[_FIRST_SHEET])
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    head = f'  <style>{style}</style>\n  <script src="console/{{version}}/console.js" defer></script>\n'
    text = _LINKS.sub("", files[name])
    return text.replace("</head>", f"{head}</head>"), f"'sha256-{digest}'"


def _in_order(files: Mapping[str, str], name: str, done: list[str]) -> list[str]:
    for file in _imported(files[name]):
        if file not in done:
            _in_order(files, file, done)
    if name not in done:
        done.append(name)
    return done


def _imported(text: str) -> Iterator[str]:
    for found in _IMPORT.finditer(text):
        yield found["file"]


def _module(name: str, text: str) -> str:
    names = [found["name"] for found in _EXPORT.finditer(text)]
    text = _IMPORT.sub(_taken, _EXPORT.sub(r"\g<kept>", text))
    text, defaults = re.subn(r"^export default ", "const exported = ", text, flags=re.MULTILINE)
    given = "exported" if defaults else f"{{ {', '.join(names)} }}"
    return f'modules["{name}"] = (() => {{\n{_bare(text)}return {given};\n}})();'


def _taken(found: re.Match[str]) -> str:
    names = found["names"].removeprefix("* as ")
    return f'const {names} = modules["{found["file"]}"];'


def _bare(text: str) -> str:
    return _COMMENT.sub("", text)


def _sheet(text: str) -> str:
    return re.sub(r"\n\s*", "\n", _CSS_COMMENT.sub("", text))
