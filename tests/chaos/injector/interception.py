"""Records every call that a function makes to the outside, and breaks the one that a plan names. Runs in the workers.

What is deployed knows nothing of this: botocore, httpx and urllib3 are wrapped when they are imported. Plans and
recordings are files in the folder ``KILN_CHAOS_DIR``.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import sys
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import wrapt

FOLDER = Path(os.environ.get("KILN_CHAOS_DIR", "."))
MARKER = re.compile(r"chaos-[0-9a-f]{8}")
CRASH_STATUS = 86

_lock = threading.Lock()
_breaking = threading.local()


class Invocation:
    """One call of the handler: whose task it is for, what it has called, and which plans concern it."""

    def __init__(self, event: Any) -> None:
        self.id = uuid.uuid4().hex
        self.function = os.environ["AWS_LAMBDA_FUNCTION_NAME"].split("-")[1].removesuffix("Function")
        text = json.dumps(event)
        _remember_markers(event)
        self.markers = set(MARKER.findall(text)) | _markers_of_tasks(text)
        self.plans = _plans(self.function, self.markers) if self.markers else []
        self._counts: Counter[str] = Counter()
        self._ordinal = 0

    def reach(self, call: str) -> str:
        """Notes that a call is about to be made, and says what is to become of it."""
        with _lock:
            self._ordinal += 1
            self._counts[call] += 1
            occurrence = self._counts[call]
            line = {
                "function": self.function,
                "invocation": self.id,
                "markers": sorted(self.markers),
                "ordinal": self._ordinal,
                "call": call,
                "occurrence": occurrence,
                "at": time.time(),
            }
            with (FOLDER / "calls" / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        for plan in self.plans:
            if (plan["call"], plan["occurrence"]) == (call, occurrence) and _is_its_turn(plan):
                return str(plan["action"])
        return "refuse" if self.markers and _is_throttled(self.function, call) else ""


_current: Invocation | None = None


def install() -> None:
    """Makes the libraries be wrapped when they are imported."""
    for name, wrap in {
        "app": _wrap_handler,
        "botocore.client": _wrap_aws,
        "botocore.httpsession": _wrap_aws_transport,
        "httpx": _wrap_httpx,
        "urllib3.poolmanager": _wrap_urllib3,
    }.items():
        wrapt.register_post_import_hook(wrap, name)


def _wrap_handler(module: Any) -> None:
    handle = module.handler

    def handler(event: Any, context: Any) -> Any:
        global _current  # noqa: PLW0603 - a worker serves one invocation at a time
        _current = Invocation(event)
        if _current.markers:
            _forget_what_is_warm()
        try:
            answer = handle(event, context)
            _crash_if(_current.reach("return"), "crash_before")
            return answer
        finally:
            _current = None

    module.handler = handler


def _wrap_aws(module: Any) -> None:
    make = module.BaseClient._make_api_call

    def make_api_call(self: Any, operation: str, parameters: Any) -> Any:
        action = _reach(f"{self.meta.service_model.service_name}.{operation}")
        _crash_if(action, "crash_before")
        if action == "refuse":
            refusal = {"Error": {"Code": "ThrottlingException", "Message": "refused on purpose"}}
            raise sys.modules["botocore.exceptions"].ClientError(refusal, operation)
        _breaking.loses_answer = action == "lose_answer"
        answer = make(self, operation, parameters)
        _crash_if(action, "crash_after")
        return answer

    module.BaseClient._make_api_call = make_api_call


def _wrap_aws_transport(module: Any) -> None:
    send = module.URLLib3Session.send

    def send_and_lose(self: Any, request: Any) -> Any:
        answer = send(self, request)
        if getattr(_breaking, "loses_answer", False):
            # Once: the SDK's own retry meets what the first try has left behind.
            _breaking.loses_answer = False
            raise sys.modules["botocore.exceptions"].ReadTimeoutError(endpoint_url=request.url)
        return answer

    module.URLLib3Session.send = send_and_lose


def _wrap_httpx(module: Any) -> None:
    send = module.Client.send

    def send_request(self: Any, request: Any, **how: Any) -> Any:
        action = _reach(f"httpx.{request.method}")
        _crash_if(action, "crash_before")
        if action == "refuse":
            raise module.ConnectTimeout("refused on purpose", request=request)
        answer = send(self, request, **how)
        _crash_if(action, "crash_after")
        if action == "lose_answer":
            answer.close()
            raise module.ReadTimeout("lost on purpose", request=request)
        return answer

    module.Client.send = send_request


def _wrap_urllib3(module: Any) -> None:
    urlopen = module.PoolManager.urlopen
    errors = sys.modules["urllib3.exceptions"]

    def open_url(self: Any, method: str, url: str, *arguments: Any, **how: Any) -> Any:
        action = _reach(f"urllib3.{method}")
        _crash_if(action, "crash_before")
        if action == "refuse":
            raise errors.ConnectTimeoutError(None, "refused on purpose")
        answer = urlopen(self, method, url, *arguments, **how)
        _crash_if(action, "crash_after")
        if action == "lose_answer":
            answer.close()
            raise errors.ReadTimeoutError(None, url, "lost on purpose")
        return answer

    module.PoolManager.urlopen = open_url


def _reach(call: str) -> str:
    return _current.reach(call) if _current is not None else ""


def _crash_if(action: str, crash: str) -> None:
    if action == crash:
        # No handler, no clean-up, no last word: what a lost machine looks like.
        os._exit(CRASH_STATUS)


def _forget_what_is_warm() -> None:
    """Clears a warm process's caches, so that each invocation makes every possible call.

    The clients stay: making them costs time and makes no call.
    """
    parameters = sys.modules.get("aws_lambda_powertools.utilities.parameters")
    if parameters is not None:
        parameters.clear_caches()
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "kiln" and name != "kiln.aws":
            for value in list(vars(module).values()):
                clear = getattr(value, "cache_clear", None)
                if clear is not None and getattr(value, "__module__", "") == name:
                    clear()


def _remember_markers(event: Any) -> None:
    """Keeps which task bears which marker: the stream's record of a new task is where both are seen."""
    records = event.get("Records", []) if isinstance(event, dict) else []
    for record in records:
        image = record.get("dynamodb", {}).get("NewImage", {})
        found = MARKER.search(json.dumps(image))
        if found and "task_id" in image:
            (FOLDER / "tasks" / image["task_id"]["S"]).write_text(found[0], encoding="utf-8")


def _markers_of_tasks(text: str) -> set[str]:
    markers = set()
    for task_id in set(re.findall(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", text)):
        with contextlib.suppress(FileNotFoundError):
            markers.add((FOLDER / "tasks" / task_id).read_text(encoding="utf-8"))
    return markers


def _plans(function: str, markers: set[str]) -> list[dict[str, Any]]:
    plans = []
    for marker in markers:
        for path in (FOLDER / "plans").glob(f"{marker}.*.json"):
            plan = json.loads(path.read_text(encoding="utf-8"))
            if plan["function"] == function:
                plans.append({**plan, "id": path.stem})
    return plans


def _is_throttled(function: str, call: str) -> bool:
    """Whether this call meets a service that refuses some of them, for as long as the test says."""
    with contextlib.suppress(FileNotFoundError):
        weather = json.loads((FOLDER / "throttling.json").read_text(encoding="utf-8"))
        is_met = call.partition(".")[0] in weather["services"] or call in weather["services"]
        return is_met and function in weather["functions"] and random.random() < weather["rate"]
    return False


def _is_its_turn(plan: dict[str, Any]) -> bool:
    """Whether this is the reaching of the call that the plan waits for; each of them is counted once, by a file."""
    for number in range(1, plan["reach"] + 1):
        with contextlib.suppress(FileExistsError):
            os.close(os.open(FOLDER / "reached" / f"{plan['id']}.{number}", os.O_CREAT | os.O_EXCL))
            return bool(number == plan["reach"])
    return False
