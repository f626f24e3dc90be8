"""Reads and writes the callers' secret. Unknown fields are kept."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.operating.installation import Installation
from kiln_cli.operating.secret_document import SecretDocument

COPY_MINUTES = 5
"""How long a warm function caches the secret. It reads the secret again when it meets an unknown key."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")

Entry = dict[str, Any]


@dataclass(frozen=True)
class Keys:
    """A caller's keys, shown once.

    Attributes:
        name: The caller's name.
        access_key: The ``iss`` of its tokens.
        secret_key: Signs them.
        api_key: The plain key, for callers without tokens.
        webhook_secret: Signs the caller's webhooks; empty if it did not change or there is none.
    """

    name: str
    access_key: str
    secret_key: str
    api_key: str
    webhook_secret: str = ""

    @classmethod
    def new(cls, name: str, *, webhook_secret: bool) -> Keys:
        """Random keys.

        Raises:
            CommandFailed: The name is malformed.
        """
        if not _NAME.fullmatch(name):
            raise CommandFailed(
                f"NAME: must be 1 to 128 letters, digits, dots, dashes or underscores, got {name!r}", USAGE
            )
        return cls(
            name=name,
            access_key=secrets.token_hex(16),
            secret_key=secrets.token_hex(32),
            api_key=secrets.token_urlsafe(32),
            webhook_secret=new_webhook_secret() if webhook_secret else "",
        )

    def entry(self) -> Entry:
        """The caller's entry in the secret."""
        entry = {
            "name": self.name,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "api_keys": [self.api_key],
        }
        return entry | ({"webhook_secret": self.webhook_secret} if self.webhook_secret else {})


def new_webhook_secret() -> str:
    """A random secret in the format of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def add(entries: list[Entry], keys: Keys, limits: Mapping[str, object]) -> list[Entry]:
    """Returns the list with a new caller.

    Args:
        entries: The list.
        keys: The caller's name and keys.
        limits: Further fields of its entry; those that are ``None`` are left out.

    Raises:
        CommandFailed: The name is taken.
    """
    if any(each["name"] == keys.name for each in entries):
        raise CommandFailed(f"caller {keys.name} exists already; for new keys run kiln callers rotate {keys.name}")
    return [*entries, keys.entry() | {name: value for name, value in limits.items() if value is not None}]


def change(entries: list[Entry], name: str, limits: Mapping[str, object]) -> list[Entry]:
    """Returns the list with other fields in each entry of a caller; a field that is ``None`` is removed.

    Raises:
        CommandFailed: The caller does not exist.
    """
    of(entries, name)
    return [
        {field: value for field, value in {**each, **limits}.items() if value is not None}
        if each["name"] == name
        else each
        for each in entries
    ]


def rotate(entries: list[Entry], keys: Keys) -> list[Entry]:
    """Returns the list with a second entry of the same name for a caller, with new keys.

    Raises:
        CommandFailed: The caller does not exist, or its last rotation is not finished.
    """
    mine = of(entries, keys.name)
    if len(mine) > 1:
        raise CommandFailed(
            f"{keys.name} has old and new keys already; end that with kiln callers rotate {keys.name} --finish"
        )
    webhook_secret = keys.webhook_secret or mine[0].get("webhook_secret", "")
    # The first entry of a name signs the webhooks, so both entries must have the same secret.
    changed = [each | {"webhook_secret": webhook_secret} if each["name"] == keys.name else each for each in entries]
    return [*changed, {**mine[0], **keys.entry(), "webhook_secret": webhook_secret}]


def finish(entries: list[Entry], name: str) -> list[Entry]:
    """Returns the list with only the newest keys of a caller.

    Raises:
        CommandFailed: The caller does not exist, or has one set of keys.
    """
    mine = of(entries, name)
    if len(mine) < 2:
        raise CommandFailed(f"{name} has one set of keys: there is no rotation to finish")
    return [each for each in entries if each["name"] != name or each is mine[-1]]


def revoke(entries: list[Entry], name: str) -> list[Entry]:
    """Returns the list without a caller.

    Raises:
        CommandFailed: The caller does not exist.
    """
    of(entries, name)
    return [each for each in entries if each["name"] != name]


def of(entries: list[Entry], name: str) -> list[Entry]:
    """Returns a caller's entries, oldest first.

    Raises:
        CommandFailed: The caller has no entry.
    """
    mine = [each for each in entries if each["name"] == name]
    if not mine:
        known = ", ".join(sorted({each["name"] for each in entries})) or "none"
        raise CommandFailed(f"no caller {name}; the callers are: {known}")
    return mine


class CallersSecret:
    """The callers' secret of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._secret = SecretDocument(
            installation, "CallersSecretArn", "the callers' secret", "revoke callers that are no longer needed"
        )
        self._document: dict[str, Any] = {}

    def read(self) -> list[Entry]:
        """Returns the callers' entries.

        Raises:
            CommandFailed: Kiln cannot read the secret.
        """
        self._document = self._secret.read()
        try:
            entries = list(self._document["callers"]) if self._document != {} else []
            if not all(isinstance(each.get("name"), str) for each in entries):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CommandFailed('the callers\' secret must be {"callers": [{"name": …}, …]}; edit it by hand') from None
        return entries

    def write(self, entries: list[Entry]) -> None:
        """Replaces the callers' entries.

        Raises:
            CommandFailed: The secret would be too large, or it has changed since it was read.
        """
        self._secret.write({**self._document, "callers": entries})
