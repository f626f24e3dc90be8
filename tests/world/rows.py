"""The table of odd answers of the provider: what it answers, where that was seen, and the right outcome."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

# A project or a report is named where one was read. A kind stands for excerpts that were not traced to one project.
SPEC = "the vendor's documents"
CLIENTS = "a kind: public clients, which are written to read it"
GATEWAYS = "a kind: gateways with the contract's routes"
FILES = "a kind: files of phones, cameras and web tools"
MADE_UP = "made up: a neighbour of what was seen"
NEW_API = "QuantumNous/new-api, model/task.go: its own words for a task's status"
NEW_API_REASON = (
    "QuantumNous/new-api pull request 2532: a failed task has the message SUCCEED; task_status_msg says why"
)
TRY_ON = "a try-on application with KLING_IMAGE_MODE=multi: the words that it reads as success and as failure"
ONE_API = "a gateway made of one-api: numbers images by their place, and leaves the result out if it has none"
ARCREEL = "ArcReel/ArcReel pull request 847: succeed without a usable url is reported as a failure"
NODE = "KLingAIMultiImage2Image, a node for ComfyUI: an image without index is number 0, one without url is passed over"
MISLABELLED = (
    "open-webui/open-webui pull request 30359, gemini-cli-extensions/nanobanana issue 68: bytes of another type"
)


@dataclass(frozen=True)
class Row:
    """One oddity.

    Attributes:
        name: Of the row, and the prompt of its task.
        seen: Where it was seen.
        answers: The simulator's ``answers``.
        status: What the task ends with.
        message: What ``task_status_msg`` begins with.
        n: How many images the task asks for.
        indexes: The numbers of the images that it gets; all of them if not given.
        stored: The bytes of each image, if they are known.
        content_type: The type of each image, if it is known.
        request: Further fields of the request.
    """

    name: str
    seen: str
    answers: Mapping[str, Any]
    status: str = "succeed"
    message: str = ""
    n: int = 1
    indexes: tuple[int, ...] | None = None
    stored: bytes | None = None
    content_type: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def expected_indexes(self) -> list[int]:
        """The numbers of the images that the task gets."""
        if self.status != "succeed":
            return []
        return list(range(self.n) if self.indexes is None else self.indexes)


def picture(form: str, size: tuple[int, int] = (320, 200)) -> bytes:
    """A picture in a format of Pillow's."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(file, form)
    return file.getvalue()


JPEG, PNG = picture("JPEG"), picture("PNG")
COMMENT = b"\xff\xfe" + (60_002).to_bytes(2, "big") + bytes(60_000)
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1\x00\x00\x00\x10mdat12345678"


def image_bytes(content: bytes, content_type: str = "application/octet-stream", **changes: Any) -> dict[str, Any]:
    """Answers every download with these bytes."""
    headers = {"content-type": content_type, **changes.pop("headers", {})}
    return {"image_bytes": {"base64": base64.b64encode(content).decode(), "headers": headers, **changes}}


def word(seen: str, means: str, **status: str) -> Row:
    """A row for one status word."""
    ((at, said),) = status.items()
    return Row(f"status {said!r} for {at}", seen, {"status": {at: said}}, "failed" if means == "failed" else "succeed")


def query(**change: Any) -> dict[str, Any]:
    """Changes the answers to queries."""
    return {"query": change}


STATUSES = [
    word(SPEC, "succeed", succeed="succeeded"),
    word(CLIENTS, "succeed", succeed="SUCCEED"),
    word(NEW_API, "succeed", succeed="SUCCESS"),
    word(TRY_ON, "succeed", succeed="completed"),
    word(MADE_UP, "succeed", succeed=" Succeed "),
    word(TRY_ON, "failed", succeed="canceled"),
    word(TRY_ON, "failed", succeed="cancelled"),
    word(TRY_ON, "failed", succeed="error"),
    word(NEW_API, "failed", succeed="FAILURE"),
    word(GATEWAYS, "failed", succeed="EXPIRED"),
    word(GATEWAYS, "failed", succeed="timeout"),
    word(NEW_API, "running", submitted="NOT_START"),
    word(NEW_API, "running", submitted="QUEUED"),
    word(NEW_API, "running", processing="IN_PROGRESS"),
    word(CLIENTS, "running", submitted="pending"),
    word(CLIENTS, "running", processing="running"),
    word(MADE_UP, "running", processing="warming_up"),
    Row(
        "a last status that is unknown",
        MADE_UP,
        {"status": {"succeed": "Warmed Up"}},
        "failed",
        "The provider did not finish the task within 15 s; its last status there, 'Warmed Up', is none that Kiln knows",
    ),
]

RESULTS = [
    Row("no index", NODE, {"images": [{"index": None}, {"index": None}]}, n=2),
    Row("index as a string", SPEC, {"images": [{"index": "0"}, {"index": "1"}]}, n=2),
    Row("index as a float", CLIENTS, {"images": [{"index": 0.0}, {"index": 1.0}]}, n=2),
    Row("index from 1", GATEWAYS, {"images": [{"index": 1}, {"index": 2}]}, n=2, indexes=(1, 2)),
    Row("index doubled", MADE_UP, {"images": [{"index": None}, {"index": 2}, {"index": 2}]}, n=3),
    Row("index negative and huge", MADE_UP, {"images": [{"index": -1}, {"index": 10**30}]}, n=2),
    Row("two of three images", CLIENTS, {"images": [{}, None, {}]}, "succeed", "2 of 3 images", n=3, indexes=(0, 2)),
    Row(
        "one usable link of three",
        MADE_UP,
        {"images": [{"url": ""}, {"url": "/a.png"}, {}]},
        "succeed",
        "1 of 3 images; image 0 of 3: url: must be an https URL, got an empty string",
        n=3,
        indexes=(2,),
    ),
    Row(
        "a link to a file",
        MADE_UP,
        {"images": [{"url": "file:///etc/passwd"}]},
        "failed",
        "paid, no image: image 0 of 1: url: must be an https URL, got file:",
    ),
    Row(
        "no images on success",
        ARCREEL,
        query(merge={"data": {"task_result": None}}),
        "failed",
        "paid, no image: the provider names no images",
    ),
    Row(
        "a failure with the message SUCCEED",
        NEW_API_REASON,
        query(when=["succeed"], merge={"data": {"task_status": "failed", "task_status_msg": "Image pixel is invalid"}}),
        "failed",
        "Image pixel is invalid",
    ),
    Row("no images at first", ONE_API, query(when=["succeed"], merge={"data": {"task_result": None}}, times=2)),
    Row("task_result as a list", GATEWAYS, query(convert={"data.task_result": "list"})),
    Row("data as a list of one", GATEWAYS, query(convert={"data": "list"})),
    Row("code as a string", GATEWAYS, query(convert={"code": "string"})),
    Row("ids as numbers", GATEWAYS, query(convert={"data.task_id": "number"})),
    Row("everything converted", MADE_UP, query(convert={"data.task_id": "number", "code": "string", "data": "list"})),
    Row("a create in a list", MADE_UP, {"create": {"convert": {"data": "list", "code": "string"}}}),
    Row("a create with an unknown status", MADE_UP, {"create": {"merge": {"data": {"task_status": "accepted"}}}}),
    Row("nulls", SPEC, query(merge={"data": {"task_status_msg": None, "watermark_info": None, "task_info": None}})),
    Row(
        "fields that are new",
        SPEC,
        query(merge={"data": {"final_balance_deduction": {"quota": "1.5", "list_price": 0.1}, "queue_ms": 7}}),
    ),
]

BELIEF = [
    Row(
        "another task's answer",
        MADE_UP,
        query(merge={"data": {"task_id": "1", "task_info": {"external_task_id": "x"}}}, times=3),
    ),
    Row("a 404 with an unknown code", GATEWAYS, query(http_status=404, body={"code": 4242, "message": "?"}, times=2)),
    Row("HTML once it succeeded", GATEWAYS, query(when=["succeed"], text="<html>", times=2)),
    Row("an answer that is no task", GATEWAYS, query(body={"code": 0, "data": "ok"}, times=2)),
]

IMAGES = [
    Row("a GIF", FILES, image_bytes(picture("GIF"), "image/gif"), stored=picture("GIF"), content_type="image/gif"),
    Row(
        "a WebP",
        MISLABELLED,
        image_bytes(picture("WEBP"), "image/png"),
        stored=picture("WEBP"),
        content_type="image/webp",
    ),
    Row("an AVIF", FILES, image_bytes(picture("AVIF")), stored=picture("AVIF"), content_type="image/avif"),
    Row("a HEIC", FILES, image_bytes(HEIC), stored=HEIC, content_type="image/heic"),
    Row(
        "a JPEG with 2 MB before its size",
        FILES,
        image_bytes(JPEG[:2] + COMMENT * 34 + JPEG[2:]),
        stored=JPEG[:2] + COMMENT * 34 + JPEG[2:],
        content_type="image/jpeg",
    ),
    Row("a motion photo", FILES, image_bytes(JPEG + bytes(30_000)), stored=JPEG + bytes(30_000)),
    Row("a JPEG without an end marker", FILES, image_bytes(JPEG[:-2]), stored=JPEG[:-2]),
    Row("a PNG with junk behind", FILES, image_bytes(PNG + b"junk" * 2_000), stored=PNG + b"junk" * 2_000),
    Row("no Content-Length", CLIENTS, image_bytes(PNG, headers={"content-length": None}), stored=PNG),
    Row(
        "HTTP 206 with all bytes",
        CLIENTS,
        image_bytes(PNG, http_status=206, headers={"content-range": f"bytes 0-{len(PNG) - 1}/{len(PNG)}"}),
        stored=PNG,
    ),
    Row("a link that is gone at first", CLIENTS, {"image_bytes": {"http_status": 410, "text": "Gone", "times": 2}}),
    Row("HTML instead of an image at first", CLIENTS, {"image_bytes": {"text": "<html>", "times": 2}}),
    Row(
        "a link that is gone",
        CLIENTS,
        {"image_bytes": {"http_status": 404, "text": "NoSuchKey"}},
        "failed",
        "paid, no image: image 0 of 1: the provider answered HTTP 404",
    ),
    Row(
        "HTML instead of an image",
        CLIENTS,
        {"image_bytes": {"text": "<!doctype html><html>"}},
        "failed",
        "paid, no image: image 0 of 1: not an image: HTML",
    ),
    Row(
        "a redirect without end",
        MADE_UP,
        {"image_bytes": {"http_status": 302, "text": "", "headers": {"location": "#again"}}},
        "failed",
        "paid, no image: image 0 of 1: it redirects more than 3 times",
    ),
    Row(
        "a redirect to a file",
        MADE_UP,
        {"image_bytes": {"http_status": 302, "text": "", "headers": {"location": "file:///etc/passwd"}}},
        "failed",
        "paid, no image: image 0 of 1: redirect: must be an https URL, got file:",
    ),
]

ROWS = [*STATUSES, *RESULTS, *BELIEF, *IMAGES]
