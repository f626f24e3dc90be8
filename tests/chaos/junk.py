"""Seeded junk for the three channels: names, texts, JSON and bytes that no caller means to send."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

from tests.integration.client import SUBJECT, picture

KEY_BYTES = 1024
"""S3 takes no longer key."""

_TEXTS = (
    "",
    " ",
    "0",
    "null",
    "../../etc/passwd",
    "..",
    "/",
    "a//b",
    "%00%2e%2e%2f",
    "+ +%2B",
    "job.json",
    "result.json",
    "TASK#0",
    "SLOTS",
    "#0",
    "'; DROP TABLE tasks; --",
    "{{7*7}} ${jndi:ldap://x} $.task_id States.Format('{}', 1)",
    "\x00\x01\x1b[31m\x7f",
    "\r\nX-Injected: yes\r\n\r\n",
    "\u202eagnij.exe",
    "\ufeff\ufffe\uffff",
    "Ω≈ç√∫˜µ≤≥÷ 猫在雨中 🐈‍⬛👩‍👩‍👧‍👦",
    "e\u0301" * 40,
    "http://[",
    "http://127.0.0.1:1/x.png",
    "ftp://example.test/x.png",
    "data:image/png;base64,",
    "data:image/png;base64,!!!!",
    "=?utf-8?b?!!!?=",
    "=?no-such-charset?q?x?=",
    "x" * 3_000,
    "界" * 2_501,
    "9" * 400,
)
_NUMBERS = (0, -1, 1, 2, 10, 1e308, 1.5, -0.0, 2**31, 2**53 + 1, 10**60)
_FIELDS = (
    "model_name",
    "prompt",
    "subject_image_list",
    "scene_image",
    "style_image",
    "n",
    "aspect_ratio",
    "watermark_info",
    "callback_url",
    "external_task_id",
    "jobs",
    "no_such_field",
)
_RAW = (
    b"",
    b"{",
    b"[",
    b"nul",
    b'{"prompt": "\\ud800"}',
    b'{"prompt": NaN, "n": Infinity}',
    b"\xff\xfe{\x00}\x00",
    b'\xef\xbb\xbf{"prompt": "\xc3\x28"}',
    b"\x00" * 100,
    b"[" * 20_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"n": 1, "n": 2, "subject_image_list": []}',
    b"1" * 5_000,
    b"<html><body>not here</body></html>",
    b'"' + b"x" * (1024 * 1024 + 1) + b'"',
)


class Junk:
    """An endless supply; the same seed brings the same."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._dice = random.Random(seed)

    def one_of(self, *choices: Any) -> Any:
        return self._dice.choice(choices)

    def number(self, least: int, most: int) -> int:
        return self._dice.randint(least, most)

    def text(self) -> str:
        """One of the well-known troublemakers, or characters from all over Unicode (no halves of any)."""
        if self._dice.random() < 0.7:
            return self._dice.choice(_TEXTS)
        planes = ((0x20, 0x7E), (0x0, 0x1F), (0xA0, 0x24F), (0x4E00, 0x9FFF), (0x1F300, 0x1FAFF), (0xE000, 0xFFFD))
        return "".join(chr(self._dice.randint(*self._dice.choice(planes))) for _ in range(self._dice.randint(1, 40)))

    def value(self, depth: int = 3) -> Any:
        """Anything JSON can say."""
        kind = self._dice.randint(0, 7 if depth else 4)
        if kind == 0:
            return self._dice.choice((None, True, False))
        if kind == 1:
            return self._dice.choice(_NUMBERS)
        if kind == 2:
            return SUBJECT[: self._dice.choice((3, 100, len(SUBJECT)))]
        if kind <= 4:
            return self.text()
        if kind == 5:
            return [self.value(depth - 1) for _ in range(self._dice.choice((0, 1, 4, 5, 101)))]
        if kind == 6:
            return [{"subject_image": self.value(depth - 1)} for _ in range(self._dice.choice((1, 2, 4, 5)))]
        return {self.text(): self.value(depth - 1) for _ in range(self._dice.randint(0, 3))}

    def request(self, image: str) -> Any:
        """Something that was a create request once.

        Args:
            image: What a sound image field holds.
        """
        if self._dice.random() < 0.15:
            return self.value()
        body: dict[str, Any] = {"prompt": "junk", "subject_image_list": [{"subject_image": image}]}
        for name in self._dice.sample(_FIELDS, self._dice.randint(0, 3)):
            body[name] = self.value()
        return [body] * self._dice.choice((1, 2, 101)) if self._dice.random() < 0.1 else body

    def content(self, image: str) -> bytes:
        """Junk for a ``job.json``."""
        if self._dice.random() < 0.35:
            return self._dice.choice(_RAW)
        return json.dumps(self.request(image), ensure_ascii=self._dice.random() < 0.5).encode(errors="surrogatepass")

    def bytes(self) -> bytes:
        """Junk in place of an image."""
        sound = picture(kind=self._dice.choice(("PNG", "JPEG")))
        flaws = (
            b"",
            self._dice.randbytes(self._dice.choice((1, 100, 70_000))),
            sound[: self._dice.randint(1, len(sound) - 1)],
            sound[:8] + self._dice.randbytes(400),
            b"\x89PNG\r\n\x1a\n" + b"\x00" * 4 + b"IHDR" + b"\xff" * 8,
            b"\xff\xd8" + b"\xff\xe1\xff\xff" * 50,
            picture(299, 320),
            picture(320, 900),
            picture(kind="GIF"),
            picture(kind="BMP"),
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            sound,
        )
        return self._dice.choice(flaws)

    def key(self, start: str, end: str) -> str:
        """The key of an object, as long as S3 accepts it, with a unique beginning."""
        # The wildcard of a policy does not match a line's end in the local AWS, as it does in AWS.
        middle = self.text().translate({0x0A: None, 0x0D: None})
        room = KEY_BYTES - len(f"{start}{end}".encode())
        return start + middle.encode()[:room].decode(errors="ignore") + end

    def segment(self) -> str:
        """A part of a URL's path, never empty."""
        return quote(self.text()[:300], safe="") or "0"

    def header(self) -> str:
        """A header's value that HTTP can carry."""
        return "".join(character for character in self.text()[:200] if " " <= character <= "~").strip()
