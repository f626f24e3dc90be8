"""The steps of Lambda's own runtime with a function, as scripts of a bare interpreter, and what they print."""

from __future__ import annotations

import json
from typing import Any

MARK = "getpgrp"
"""The C function that ends each phase, for callgrind. No library calls it."""

_START = """
import posix, sys, time
clocks = []
def mark():
    posix.getpgrp()
    clocks.append((time.perf_counter(), time.process_time()))
mark()
"""

INITIALISE = (
    _START
    + """
import importlib, json
sys.path.insert(0, sys.argv[1])
module, _, name = sys.argv[2].rpartition(".")
handler = getattr(importlib.import_module(module), name)
mark()
"""
)
"""The interpreter's own start, then the initialisation. Its arguments are the function's folder and its handler."""

INVOKE = """
class Context:
    function_name = "kiln"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:kiln"
    aws_request_id = "8a6c2f0e-3f0b-4c57-9d3c-3f2f5a1b7c11"

    def get_remaining_time_in_millis(self):
        return 30_000

answer = handler(json.loads(sys.argv[3]), Context())
mark()
print("ANSWER", json.dumps(answer))
"""
"""The first invocation. Its argument is the event."""

REFERENCE = (
    _START
    + """
import boto3
boto3.client("dynamodb")
mark()
import json
"""
)
"""The SDK and one client: any function in Python that calls AWS pays this."""

END = """
print("CLOCKS", json.dumps(clocks))
sys.stdout.flush()
posix._exit(0)
"""
"""Lambda never ends the interpreter, so it ends here without its teardown."""


def printed(output: str, name: str) -> Any:
    """Return what a script printed as JSON after a name."""
    (line,) = (each for each in output.splitlines() if each.startswith(f"{name} "))
    return json.loads(line.removeprefix(f"{name} "))
