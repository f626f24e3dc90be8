"""Reads and writes the provider's secret: one pair of keys, or a list of accounts. Unknown fields are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.operating.installation import Installation
from kiln_cli.operating.secret_document import SecretDocument

DEFAULT = "default"
"""The account of the secret's own pair of keys."""

COPY_SECONDS = 30
"""How long a warm function caches the accounts."""

LARGEST_SLOTS = 1_000
LARGEST_WEIGHT = 100

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_KEYS = ("access_key", "secret_key", "api_key", "webhook_secret")
_SHAPE = 'the provider\'s secret must be {"accounts": [{"name": …}, …]} or one pair of keys; edit it by hand'

Entry = dict[str, Any]


def has_keys(entry: Mapping[str, Any]) -> bool:
    """Whether an entry, or the secret's own pair, has keys to sign with."""
    return bool(entry.get("api_key") or (entry.get("access_key") and entry.get("secret_key")))


def replaced(keys: Mapping[str, str]) -> dict[str, str]:
    """Returns the fields of new keys. Kiln prefers an API key to a pair of keys, so the old kind becomes empty."""
    return {"access_key": "", "secret_key": "", "api_key": "", **keys}


def add(entries: list[Entry], entry: Entry) -> list[Entry]:
    """Returns the list with a new account.

    Raises:
        CommandFailed: The name is malformed or taken.
    """
    name = entry["name"]
    if not _NAME.fullmatch(name):
        raise CommandFailed(f"NAME: must be 1 to 64 letters, digits, dots, dashes or underscores, got {name!r}", USAGE)
    if any(each["name"] == name for each in entries):
        raise CommandFailed(f"account {name} exists already; for new keys run kiln provider-keys set {name}")
    return [*entries, entry]


def change(entries: list[Entry], name: str, fields: Mapping[str, Any]) -> list[Entry]:
    """Returns the list with some fields of an account replaced.

    Raises:
        CommandFailed: The account does not exist.
    """
    of(entries, name)
    return [{**each, **fields} if each["name"] == name else each for each in entries]


def remove(entries: list[Entry], name: str) -> list[Entry]:
    """Returns the list without an account.

    Raises:
        CommandFailed: The account does not exist, or no other account gets tasks.
    """
    of(entries, name)
    left = [each for each in entries if each["name"] != name]
    if not has_open(left):
        raise CommandFailed(
            f"{name}: no other account gets tasks; add one with kiln provider-keys add NAME, "
            "or undrain one with kiln provider-keys undrain NAME"
        )
    return left


def has_open(entries: list[Entry]) -> bool:
    """Whether an account gets tasks."""
    return any(not each.get("draining") for each in entries)


def of(entries: list[Entry], name: str) -> Entry:
    """Returns an account's entry.

    Raises:
        CommandFailed: The account does not exist.
    """
    for each in entries:
        if each["name"] == name:
            return each
    known = ", ".join(each["name"] for each in entries) or "none"
    raise CommandFailed(f"no account {name}; the accounts are: {known}")


class AccountsSecret:
    """The provider's secret of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._secret = SecretDocument(
            installation, "ProviderSecretArn", "the provider's secret", "remove accounts that are no longer needed"
        )
        self._document: dict[str, Any] = {}

    def read(self) -> list[Entry]:
        """Returns the accounts. A pair of keys is the first of them, ``default``.

        Raises:
            CommandFailed: Kiln cannot read the secret.
        """
        document = self._secret.read()
        if document is not None and not isinstance(document, dict):
            raise CommandFailed(_SHAPE)
        self._document = document or {}
        entries = self._document.get("accounts") or []
        if not isinstance(entries, list) or not all(
            isinstance(each, dict) and isinstance(each.get("name"), str) for each in entries
        ):
            raise CommandFailed(_SHAPE)
        if has_keys(self._document):
            pair = {key: self._document[key] for key in _KEYS if self._document.get(key)}
            return [{"name": DEFAULT, **pair}, *entries]
        return entries

    @property
    def is_pair(self) -> bool:
        """Whether the secret that was read last has no list of accounts."""
        return not self._document.get("accounts")

    def write_pair(self, keys: Mapping[str, str]) -> None:
        """Replaces the secret's own pair of keys.

        Raises:
            CommandFailed: The secret would be too large, or it has changed since it was read.
        """
        self._document = {**self._document, **replaced(keys)}
        self._secret.write(self._document)

    def write(self, entries: list[Entry]) -> None:
        """Replaces the accounts. A pair of keys moves into the list.

        Raises:
            CommandFailed: The secret would be too large, or it has changed since it was read.
        """
        rest = {key: value for key, value in self._document.items() if key not in _KEYS}
        self._document = {**rest, "accounts": entries}
        self._secret.write(self._document)
