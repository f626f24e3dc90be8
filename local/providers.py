"""The provider of a stack: the simulated one in a separate process, or Kling itself with a person's keys."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from local.children import ROOT, Child, clean_environment
from local.provider_accounts import DEFAULT, ProviderAccounts

KLING_URL = "https://api-singapore.klingai.com"
UNITS_PER_IMAGE = 16
US_DOLLARS_PER_IMAGE = 0.056
PRICE_LIST = "September 2026"

_POLL_SECONDS = "5"
"""No callback reaches a computer at home, so the timer alone finds out that a task has ended."""


class KeysError(Exception):
    """The environment holds keys that cannot be used; the message says which are missing."""


class StackProvider(Protocol):
    """A stack's provider."""

    @property
    def url(self) -> str:
        """The provider's address, without a trailing slash."""

    @property
    def control_url(self) -> str:
        """The address of the simulator's control; empty for a real provider."""

    @property
    def names(self) -> Sequence[str]:
        """The names of its accounts."""

    def secret(self) -> dict[str, Any]:
        """The content of Kiln's secret for the provider's keys."""

    def parameters(self) -> dict[str, str]:
        """Template parameters that this provider needs."""

    def wait_until_ready(self) -> None:
        """Returns once the provider has an address."""

    def check(self) -> None:
        """Raises ``ChildFailedError`` if the provider has ended."""

    def reset(self) -> None:
        """Forgets every task, if it is simulated."""

    def start_stopping(self) -> None:
        """Asks it to end."""

    def stop(self) -> None:
        """Waits until it has ended."""


class SimulatedProvider:
    """The simulator as a child process.

    Args:
        accounts: Its accounts.
        options: Options of its command line, such as ``["--task-seconds", "0.5"]``.
        log: The file of its log.
    """

    url = ""
    control_url = ""

    def __init__(self, accounts: ProviderAccounts, options: Sequence[str], log: Path) -> None:
        self._accounts = accounts
        self.names: Sequence[str] = accounts.names
        self._child = Child(
            "the simulated provider",
            ["local.provider", "--port", "0", "--exit-with-stdin", *accounts.arguments(), *options],
            log=log,
            environment={**clean_environment(), "PYTHONPATH": str(ROOT / "layers" / "kiln")},
        )

    def secret(self) -> dict[str, Any]:
        """The content of Kiln's secret for the provider's keys."""
        return self._accounts.secret()

    def parameters(self) -> dict[str, str]:
        """Its links are plain HTTP on this computer; its callbacks arrive."""
        return {
            "ProviderUrl": self.url,
            "PollAfterSeconds": "10",
            "AllowHttpResults": "true",
            "AllowPrivateResults": "true",
        }

    def wait_until_ready(self) -> None:
        """Reads the address that the process has chosen."""
        self.url = json.loads(self._child.first_line())["url"]
        self.control_url = f"{self.url}/_control"

    def check(self) -> None:
        """Raises ``ChildFailedError`` if the process has ended."""
        self._child.check()

    def reset(self) -> None:
        """Forgets every task and every fault."""
        httpx.post(f"{self.control_url}/reset", trust_env=False, timeout=120).raise_for_status()

    def start_stopping(self) -> None:
        """Asks the process to end."""
        self._child.start_stopping()

    def stop(self) -> None:
        """Waits until the process has ended."""
        self._child.stop()


@dataclass(frozen=True)
class RealProvider:
    """Kling itself, with the keys of a person.

    Attributes:
        url: Its address.
        keys: ``access_key`` and ``secret_key``, or ``api_key``.
    """

    url: str
    keys: Mapping[str, str] = field(repr=False)
    control_url: str = ""
    names: Sequence[str] = (DEFAULT,)

    @property
    def host(self) -> str:
        """The host of its address."""
        return urlsplit(self.url).netloc

    def secret(self) -> dict[str, Any]:
        """The content of Kiln's secret for the provider's keys."""
        return dict(self.keys)

    def parameters(self) -> dict[str, str]:
        """Images go inline, as it cannot read a link to this computer, and no callback arrives."""
        is_here = self.url.startswith("http://")
        return {
            "ProviderUrl": self.url,
            "ProviderInputs": "inline",
            "PollAfterSeconds": _POLL_SECONDS,
            "AllowHttpResults": str(is_here).lower(),
            "AllowPrivateResults": str(is_here).lower(),
        }

    def wait_until_ready(self) -> None:
        """It always is."""

    def check(self) -> None:
        """Nothing of it runs here."""

    def reset(self) -> None:
        """Its tasks stay."""

    def start_stopping(self) -> None:
        """Nothing of it runs here."""

    def stop(self) -> None:
        """Nothing of it runs here."""


def price(images: int = 1) -> str:
    """The price of images by the provider's price list."""
    dollars = US_DOLLARS_PER_IMAGE * images
    return f"about {UNITS_PER_IMAGE * images} units (US$ {dollars:.3g}, price list of {PRICE_LIST})"


def real_provider(environment: Mapping[str, str]) -> RealProvider | None:
    """The real provider, if the environment has keys for it; ``None`` if it has none.

    ``KLING_ACCESS_KEY`` and ``KLING_SECRET_KEY`` are a pair; ``KLING_API_KEY`` replaces both. ``KLING_API_URL`` is the
    provider's address, if it is not the one outside mainland China.

    Raises:
        KeysError: One key of the pair is missing, or the address is none.
    """
    access, secret, api = (
        environment.get(name, "").strip() for name in ("KLING_ACCESS_KEY", "KLING_SECRET_KEY", "KLING_API_KEY")
    )
    if not (access or secret or api):
        return None
    if not api and not (access and secret):
        missing = "KLING_SECRET_KEY" if access else "KLING_ACCESS_KEY"
        raise KeysError(
            f"{missing} is not set. Set both keys of the pair, or KLING_API_KEY; set none for the simulator."
        )
    url = environment.get("KLING_API_URL", "").strip().rstrip("/") or KLING_URL
    if not url.startswith(("http://", "https://")) or not urlsplit(url).hostname:
        raise KeysError(f"KLING_API_URL must be an http(s) address, got '{url}'.")
    return RealProvider(url, {"api_key": api} if api else {"access_key": access, "secret_key": secret})
