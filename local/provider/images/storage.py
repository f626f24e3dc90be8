"""Stores the result images in a temporary folder, and signs the links under which they can be downloaded."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from local.provider.settings import ProviderSettings


@dataclass(frozen=True)
class _Stored:
    path: Path
    size: int
    account: str
    prompt: str


class ResultStorage:
    """The result images so far. A link is enough to download one: it needs no key, and it expires."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._key = secrets.token_bytes(32)
        self._folder: Path | None = None
        self._stored: dict[str, _Stored] = {}

    def __len__(self) -> int:
        return len(self._stored)

    def store(self, content: bytes, account: str, prompt: str = "") -> str:
        """Stores an account's image of a task with this prompt, and returns the path and query of its link."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="simulated-provider-"))
        name = secrets.token_urlsafe(24)
        path = self._folder / name
        path.write_bytes(content)
        self._stored[name] = _Stored(path, len(content), account, prompt)
        self._remove_oldest()
        expires = int(time.time() + self._settings.result_seconds)
        return f"/results/{name}?expires={expires}&sig={self._signature(name, str(expires))}"

    def expired(self, url: str) -> str:
        """The same link, but already expired."""
        address, _, _ = url.partition("?")
        name = address.rpartition("/")[2]
        expires = str(int(time.time()) - 1)
        return f"{address}?expires={expires}&sig={self._signature(name, expires)}"

    def find(self, name: str) -> Path | None:
        """The file of an image; ``None`` once it is removed."""
        stored = self._stored.get(name)
        return stored.path if stored else None

    def account_of(self, name: str) -> str | None:
        """The account of an image; ``None`` once the image is removed."""
        stored = self._stored.get(name)
        return stored.account if stored else None

    def prompt_of(self, name: str) -> str:
        """The prompt of the task that an image belongs to; empty once the image is removed."""
        stored = self._stored.get(name)
        return stored.prompt if stored else ""

    def is_valid(self, name: str, expires: str, signature: str) -> bool:
        """Whether a link has our signature and has not expired."""
        is_ours = hmac.compare_digest(self._signature(name, expires).encode(), signature.encode())
        return is_ours and time.time() < int(expires)

    def clear(self) -> None:
        """Removes every image."""
        self._stored.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _remove_oldest(self) -> None:
        total = sum(stored.size for stored in self._stored.values())
        while total > self._settings.result_bytes and len(self._stored) > 1:
            oldest = next(iter(self._stored))
            stored = self._stored.pop(oldest)
            stored.path.unlink(missing_ok=True)
            total -= stored.size

    def _signature(self, name: str, expires: str) -> str:
        return hmac.new(self._key, f"{name}.{expires}".encode(), hashlib.sha256).hexdigest()
