"""A local stack whose functions make only the calls that a task cannot do without, for comparison."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from local.stack import Stack

_CODE = Path(__file__).parent / "bare_functions" / "app.py"
_NAMES = ("Submit", "Inbox", "Query", "Start", "Dispatch", "Callback", "Poll", "Collect", "Notify")


def make_bare(stack: Stack) -> None:
    """Replace the code of every function that a task or its caller meets."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(_CODE, "app.py")
    functions = stack.clients.client("lambda")
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            name = function["FunctionName"]
            if not any(f"-{each}Function" in name for each in _NAMES):
                continue
            published = functions.update_function_code(FunctionName=name, ZipFile=file.getvalue(), Publish=True)
            for alias in functions.list_aliases(FunctionName=name)["Aliases"]:
                functions.update_alias(FunctionName=name, Name=alias["Name"], FunctionVersion=published["Version"])
