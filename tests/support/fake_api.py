"""A fake of Kiln's API within the process: a task moves to its next stage at each look."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx

from tests.support.images import picture

URL = "https://kiln.example/live"
KEY = "key-of-mine"
TASKS = "/live/v1/images/multi-image2image"
STAGES: tuple[str, ...] = ("waiting", "dispatching", "generating", "collecting", "succeed")
STATUSES = {"succeed": "succeed", "failed": "failed", "waiting": "submitted", "dispatching": "submitted"}

Answer = httpx.Response | httpx.TransportError


def refusal(status: int, code: int, message: str, **headers: str) -> httpx.Response:
    """A refusal in the contract's envelope."""
    body = {"code": code, "message": message, "request_id": "request-1"}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class FakeTask:
    """A task that moves to its next stage at each look."""

    task_id: str
    body: dict[str, Any] = field(default_factory=dict)
    stages: tuple[str, ...] = STAGES
    looks: int = 0

    @property
    def stage(self) -> str:
        return self.stages[min(self.looks, len(self.stages) - 1)]

    def answer(self) -> dict[str, Any]:
        failed = self.stage == "failed"
        return {
            "task_id": self.task_id,
            "task_info": {"external_task_id": self.body.get("external_task_id", "")},
            "task_status": STATUSES.get(self.stage, "processing"),
            "task_status_msg": "Failure to pass the risk control system" if failed else "",
            "task_result": {"images": self.images() if self.stage == "succeed" else []},
            "created_at": 1_795_000_000_000,
            "updated_at": 1_795_000_001_000,
            "something_new": True,
        }

    def images(self) -> list[dict[str, Any]]:
        count = self.body.get("n", 1)
        return [{"index": index, "url": f"{URL}/v1/results/{self.task_id}/{index}"} for index in range(count)]

    def progress(self) -> dict[str, Any]:
        at = 1_795_000_000_000
        answer = {
            "task_id": self.task_id,
            "task_status": STATUSES.get(self.stage, "processing"),
            "stage": self.stage,
            "steps": [{"step": "accepted", "at": at}],
        }
        return answer | ({"queue_position": 2} if self.stage == "waiting" else {})


class FakeApi:
    """The API: its requests, its tasks, and the answers that replace its first ones."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.tasks: dict[str, FakeTask] = {}
        self.by_key: dict[str, str] = {}
        self.uploads: dict[str, bytes] = {}
        self.first: list[Answer | Callable[[httpx.Request], Answer]] = []
        self.stages = STAGES
        self.refused_jobs: list[dict[str, Any]] = []

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def add(self, *task_ids: str, stages: tuple[str, ...] = ("succeed",), **body: Any) -> None:
        for task_id in task_ids:
            self.tasks[task_id] = FakeTask(task_id, body, stages)

    def received(self, method: str, path: str) -> list[httpx.Request]:
        return [each for each in self.requests if each.method == method and each.url.path == path]

    def created(self) -> list[dict[str, Any]]:
        return [json.loads(each.content) for each in self.received("POST", TASKS)]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.first:
            first = self.first.pop(0)
            first = first(request) if callable(first) else first
            if isinstance(first, httpx.TransportError):
                raise first
            return first
        return next(answer for answer in self._answers(request) if answer is not None)

    def _answers(self, request: httpx.Request) -> Iterator[httpx.Response | None]:
        path = request.url.path
        if request.url.host == "bucket.example":
            yield self._bucket(request)
        if path.startswith("/live/v1/results/"):
            yield httpx.Response(302, headers={"Location": f"https://bucket.example/{path.rsplit('/', 1)[1]}"})
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            yield refusal(401, 1000, "unknown key")
        if (request.method, path) == ("POST", TASKS):
            yield self._create(request.headers["Idempotency-Key"], json.loads(request.content))
        if (request.method, path) == ("GET", TASKS):
            yield self._list(request.url.params)
        if path.startswith("/live/v1/batches"):
            yield self._batch(request)
        if path == "/live/v1/usage":
            row = {"caller": "ada", "units": "16.5", "images": 1, "tasks": 2, "failures": 1}
            yield success([row | {"day": "2026-11-27"}, row | {"day": "2026-11-28", "units": "8"}])
        if (request.method, path) == ("POST", "/live/v1/uploads"):
            yield self._open_upload()
        quoted, _, what = request.url.raw_path.partition(b"?")[0].decode().removeprefix(TASKS + "/").partition("/")
        task_id = request.url.params["external_task_id"] if quoted == "-" else unquote(quoted)
        task = self.tasks.get(task_id)
        if task is None:
            yield refusal(404, 1203, f"Task not found by id/external id: {task_id}")
        else:
            yield self._about(task, what, request)

    def _about(self, task: FakeTask, what: str, request: httpx.Request) -> httpx.Response:
        match what:
            case "progress":
                answer: Any = task.progress()
                task.looks += 1
            case "request":
                answer = {
                    "model_name": "kling-v2",
                    "n": 1,
                    "aspect_ratio": "16:9",
                    "subject_image_list": [],
                } | task.body
            case "deliveries":
                at = 1_795_000_000_000
                answer = [{"task_status": "succeed", "attempt": 1, "attempted_at": at, "outcome": "delivered"}]
            case "cancel":
                if task.stage != "waiting":
                    return refusal(409, 1201, "the task cannot be cancelled: it is being generated")
                task.stages = ("failed",)
                answer = task.answer()
            case "retry":
                return self._create(request.headers["Idempotency-Key"], task.body)
            case _:
                answer = task.answer()
                task.looks += 1
        return success(answer)

    def _create(self, key: str, body: dict[str, Any]) -> httpx.Response:
        task_id = self.by_key.setdefault(key, f"task-{len(self.by_key) + 1}")
        self.tasks.setdefault(task_id, FakeTask(task_id, body, self.stages))
        return success(self.tasks[task_id].answer())

    def _batch(self, request: httpx.Request) -> httpx.Response:
        """The only batch; its tasks move to their next stage at each look."""
        at = 1_795_000_000_000
        answer = {"batch_id": "batch-1", "created_at": at, "refused": self.refused_jobs}
        if request.url.path == "/live/v1/batches":
            for number, body in enumerate(json.loads(request.content)["jobs"], start=1):
                self.add(f"job-{number}", stages=self.stages, **body)
            mine = [{"job": number, "task_id": f"job-{number}"} for number in range(1, len(self.tasks) + 1)]
            return success({**answer, "tasks": mine})
        tasks = [task.answer() for task in self.tasks.values()]
        counts = Counter(task["task_status"] for task in tasks)
        has_ended = counts["succeed"] + counts["failed"] == len(tasks)
        for task in self.tasks.values():
            task.looks += 1
        finished = {"finished_at": at + 1} if has_ended else {}
        return success({**answer, **finished, "tasks": tasks, "counts": {"jobs": len(tasks), **counts}})

    def _list(self, params: httpx.QueryParams) -> httpx.Response:
        size, number = int(params["pageSize"]), int(params["pageNum"])
        newest_first = list(reversed(self.tasks.values()))
        wanted = [task.answer() for task in newest_first]
        wanted = [each for each in wanted if params.get("task_status") in {None, each["task_status"]}]
        return success(wanted[(number - 1) * size : number * size])

    def _open_upload(self) -> httpx.Response:
        reference = f"kiln-upload://{len(self.uploads)}"
        self.uploads[reference] = b""
        fields = {"key": reference, "policy": "signed"}
        return success({"url": "https://bucket.example/", "fields": fields, "reference": reference})

    def _bucket(self, request: httpx.Request) -> httpx.Response:
        assert "Authorization" not in request.headers, "a bucket refuses a request that is signed twice"
        if request.method == "GET":
            return httpx.Response(200, content=picture(form="JPEG" if request.url.path == "/1" else "PNG"))
        reference = next(each for each in self.uploads if each.encode() in request.content)
        self.uploads[reference] = request.content
        return httpx.Response(204)


def success(data: Any) -> httpx.Response:
    """An answer with data in the contract's envelope."""
    return httpx.Response(200, json={"code": 0, "message": "SUCCEED", "request_id": "request-1", "data": data})
