"""Bodies and paths that public clients and people send: each with where it was seen, and the right outcome.

A project is named where its code was read. A kind of client stands for excerpts that were not traced to one project.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from typing import Any

from tests.support.images import in_base64, picture

JPEG = picture(form="JPEG")
URL = "https://images.example.com/cat.png"
SUBJECTS: list[Any] = [{"subject_image": in_base64(JPEG)}]


@dataclass(frozen=True)
class Row:
    """One body.

    Attributes:
        name: Of the row.
        seen: The public report or kind of client that it was seen in.
        sent: The body's bytes, or an object that becomes JSON.
        code: The business code of the answer; 0 if it is accepted.
        says: What the refusal's message contains.
        ignored: The header ``Kiln-Ignored-Fields``.
        stored: Fields of the task's request, as the API shows it.
        headers: Sent with it.
    """

    name: str
    seen: str
    sent: Any
    code: int = 0
    says: str = ""
    ignored: str = ""
    stored: dict[str, Any] | None = None
    headers: dict[str, str] | None = None

    @property
    def body(self) -> bytes:
        """The bytes to send."""
        return self.sent if isinstance(self.sent, bytes) else json.dumps(self.sent, ensure_ascii=False).encode()


def job(**changes: Any) -> dict[str, Any]:
    """A body with its only required field, except for the changes."""
    return {"subject_image_list": SUBJECTS, **changes}


def _subject(text: str) -> dict[str, Any]:
    return {"subject_image_list": [{"subject_image": text}]}


_VENDORS_CURL = {
    "model_name": "kling-v2-1",
    "prompt": "",
    "negative_prompt": "",
    "subject_image_list": SUBJECTS,
    "scene_image": "",
    "style_image": "",
    "n": 1,
    "aspect_ratio": "16:9",
    "callback_url": "",
    "external_task_id": "",
}

_MULTIPART = b'--x\r\nContent-Disposition: form-data; name="n"\r\n\r\n2\r\n--x--'

ROWS = (
    # Names
    Row("vendor's own curl", "the provider's page", _VENDORS_CURL, stored={"model_name": "kling-v2-1"}),
    Row("scence_image", "the provider's first page", job(scence_image=URL), stored={"scene_image": URL}),
    Row("model", "the provider's name until 2025-02", job(model="kling-v2-1"), stored={"model_name": "kling-v2-1"}),
    Row(
        "both names with one value",
        "QuantumNous/new-api, relay/channel/task/kling/adaptor.go",
        job(model="kling-v2-1", model_name="kling-v2-1", mode="std", duration="5", cfg_scale=0.5, image=""),
        stored={"model_name": "kling-v2-1"},
    ),
    Row(
        "no prompt, Base64 of a PNG",
        "KLingAIMultiImage2Image, a node for ComfyUI",
        {**_subject(in_base64(picture())), "model_name": "kling-v2", "n": 1, "aspect_ratio": "16:9"},
        stored={"model_name": "kling-v2", "n": 1, "aspect_ratio": "16:9"},
    ),
    Row(
        "an empty image beside the subjects",
        "a Go client that fills in every field",
        job(image="", negative_prompt="dogs", subject_image_list=SUBJECTS * 2),
    ),
    Row("both names", "made up: a gateway's own model", job(model="kling", model_name="kling-v2-1"), ignored="model"),
    Row("fields of other products", "web applications", job(resolution="1k", result_type="single", image_size="1:1")),
    Row("misspelt prompt", "made up: a typo", job(promt="A cat"), ignored="promt"),
    Row("unknown option", "an image library", job(seed=7, steps=30), ignored="seed, steps"),
    Row("misspelt watermark", "made up: a typo", job(watermark_info={"enable": True}), ignored="watermark_info.enable"),
    Row("nulls", "typed clients", job(prompt=None, scene_image=None, watermark_info=None, callback_url=None)),
    # Forms of values
    Row("subjects as strings", "agents", {"subject_image_list": [in_base64(JPEG)]}),
    Row("subject as one string", "agents", {"subject_image_list": URL}, 1201, "subject_image_list: must be a list"),
    Row("empty last subjects", "forms of four fields", {"subject_image_list": [*SUBJECTS, "", {"subject_image": ""}]}),
    Row("ratio with a space", "a node for ComfyUI", job(aspect_ratio=" 2:3"), stored={"aspect_ratio": "2:3"}),
    Row("unknown ratio", "a node for ComfyUI", job(aspect_ratio="5:4"), 1201, "aspect_ratio: must be one of"),
    Row("upper-case model", "agents", job(model_name="KLING-V2-1"), stored={"model_name": "kling-v2-1"}),
    Row("n as a string", "web forms", job(n="2"), stored={"n": 2}),
    Row("n as a float", "JavaScript and Lua", job(n=2.0), stored={"n": 2}),
    Row("n with a separator", "Python's own notation", job(n="1_0"), 1201, "n: must be an integer"),
    Row("n as a boolean", "a form's checkbox", job(n=True), 1201, "n: must be an integer"),
    Row("id as a number", "clients with numeric ids", job(external_task_id=20251128001)),
    Row("watermark as a boolean", "agents", job(watermark_info=True), stored={"watermark_info": {"enabled": True}}),
    Row("prompt in white space", "text areas", job(prompt="\n A cat \n"), stored={"prompt": "A cat"}),
    # Images in Base64
    Row("data URL", "browsers", _subject(in_base64(JPEG, "data:image/jpeg;base64,"))),
    Row("data URL of another type", "clients that always say png", _subject(in_base64(JPEG, "data:image/png;base64,"))),
    Row("data URL with a name", "Node's datauri", _subject(in_base64(JPEG, "data:image/jpeg;name=a.jpg;base64,"))),
    Row("data URL with a space", "string templates", _subject(in_base64(JPEG, "data:image/jpeg;base64, "))),
    Row("wrapped Base64", "base64(1), Python's encodebytes", _subject(base64.encodebytes(JPEG).decode())),
    Row("URL-safe Base64", "Go and JWT libraries", _subject(base64.urlsafe_b64encode(JPEG).decode())),
    Row("no padding", "Go's RawStdEncoding", _subject(in_base64(JPEG).rstrip("="))),
    Row("URL in white space", "copied addresses", {"subject_image_list": [{"subject_image": f" {URL}\n"}]}),
    Row("a path", "scripts that did not read it", _subject("/home/ada/cat.png"), 1201, "must be an http(s) URL"),
    Row("an empty image", "a file that was not read", _subject(""), 1201, "got an empty string"),
    # Encodings
    Row("byte order mark", "PowerShell, .NET", b"\xef\xbb\xbf" + json.dumps(job()).encode()),
    Row("latin-1", "old PHP", '{"prompt": "caf\xe9"}'.encode("latin-1"), 1200, "character 16"),
    Row("UTF-16", "PowerShell 5", json.dumps(job()).encode("utf-16"), 1200, "UTF-16"),
    Row("gzip", "clients of other APIs", gzip.compress(json.dumps(job()).encode()), 1200, "Content-Encoding gzip",
        headers={"Content-Encoding": "gzip"}),
    Row("a form", "curl -d without JSON", b"prompt=A+cat&n=2", 1200, "a URL-encoded form"),
    Row("a multipart form", "browsers", _MULTIPART, 1200, "multipart"),
    Row("nothing", "a GET that became a POST", b"", 1200, "an empty body"),
    Row("two objects", "JSON lines", b'{"n": 1}\n{"n": 2}', 1200, "trailing characters"),
)  # fmt: skip
