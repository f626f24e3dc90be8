"""The callers' secret, read and written whole: who may call, with which keys. Fields not known here are kept."""

from __future__ import annotations

import base64
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.installation import Installation

LARGEST_SECRET_BYTES = 65_536
"""What a secret may hold (Secrets Manager)."""

COPY_MINUTES = 5
"""How long a warm function keeps its copy of the secret. A key it does not know makes it read the secret anew."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")

Entry = dict[str, Any]


@dataclass(frozen=True)
class Keys:
    """What a caller is given, once.

    Attributes:
        name: The caller.
        access_key: The ``iss`` of its tokens.
        secret_key: Signs them.
        api_key: The plain key, for who wants no tokens.
        webhook_secret: Signs what Kiln posts to it; empty when that has not changed, or when there is none.
    """

    name: str
    access_key: str
    secret_key: str
    api_key: str
    webhook_secret: str = ""

    @classmethod
    def new(cls, name: str, *, webhook_secret: bool) -> Keys:
        """Keys that nobody can guess."""
        return cls(
            name=name,
            access_key=secrets.token_hex(16),
            secret_key=secrets.token_hex(32),
            api_key=secrets.token_urlsafe(32),
            webhook_secret=new_webhook_secret() if webhook_secret else "",
        )

    def entry(self) -> Entry:
        """The caller as the secret lists it."""
        entry = {
            "name": self.name,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "api_keys": [self.api_key],
        }
        return entry | ({"webhook_secret": self.webhook_secret} if self.webhook_secret else {})


def new_webhook_secret() -> str:
    """A secret of Standard Webhooks' form."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def add(entries: list[Entry], keys: Keys, per_minute: int) -> list[Entry]:
    """The list with a new caller.

    Raises:
        CommandFailed: The name cannot be one, or is taken.
    """
    if not _NAME.fullmatch(keys.name):
        raise CommandFailed(f"{keys.name}: a name is 1 to 128 letters, digits, dots, dashes or underscores", USAGE)
    if any(each["name"] == keys.name for each in entries):
        raise CommandFailed(f"there is a caller {keys.name} already; kiln callers rotate gives it new keys")
    return [*entries, keys.entry() | ({"tasks_per_minute": per_minute} if per_minute else {})]


def rotate(entries: list[Entry], keys: Keys) -> list[Entry]:
    """The list with a second set of keys for a caller: an entry of the same name, whose tasks are the same caller's.

    Raises:
        CommandFailed: There is no such caller, or its last rotation was not finished.
    """
    mine = of(entries, keys.name)
    if len(mine) > 1:
        raise CommandFailed(
            f"{keys.name} has old and new keys already; kiln callers rotate {keys.name} --finish ends the old ones"
        )
    webhook_secret = keys.webhook_secret or mine[0].get("webhook_secret", "")
    # What is posted to a caller is signed by the first entry of its name: both must have the one secret.
    changed = [each | {"webhook_secret": webhook_secret} if each["name"] == keys.name else each for each in entries]
    return [*changed, {**mine[0], **keys.entry(), "webhook_secret": webhook_secret}]


def finish(entries: list[Entry], name: str) -> list[Entry]:
    """The list with the newest keys of a caller only.

    Raises:
        CommandFailed: There is no such caller, or it has one set of keys only.
    """
    mine = of(entries, name)
    if len(mine) < 2:
        raise CommandFailed(f"{name} has one set of keys only: there is no rotation to finish")
    return [each for each in entries if each["name"] != name or each is mine[-1]]


def revoke(entries: list[Entry], name: str) -> list[Entry]:
    """The list without a caller.

    Raises:
        CommandFailed: There is no such caller.
    """
    of(entries, name)
    return [each for each in entries if each["name"] != name]


def of(entries: list[Entry], name: str) -> list[Entry]:
    """A caller's entries, the oldest first.

    Raises:
        CommandFailed: There are none.
    """
    mine = [each for each in entries if each["name"] == name]
    if not mine:
        known = ", ".join(sorted({each["name"] for each in entries})) or "nobody"
        raise CommandFailed(f"there is no caller {name}; there is: {known}")
    return mine


class CallersSecret:
    """The secret of one installation.

    Args:
        installation: Whose.
    """

    def __init__(self, installation: Installation) -> None:
        self._client = installation.client("secretsmanager")
        self._arn = installation.output("CallersSecretArn")
        self._version = ""
        self._document: dict[str, Any] = {}

    def read(self) -> list[Entry]:
        """The callers.

        Raises:
            CommandFailed: The secret is not what Kiln reads.
        """
        answer = self._client.get_secret_value(SecretId=self._arn)
        self._version = answer["VersionId"]
        try:
            self._document = json.loads(answer["SecretString"])
            entries = list(self._document["callers"])
            if not all(isinstance(each.get("name"), str) for each in entries):
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CommandFailed('the callers\' secret is not {"callers": [{"name": …}, …]}: mend it by hand') from None
        return entries

    def write(self, entries: list[Entry]) -> None:
        """Replaces the list that was read.

        Raises:
            CommandFailed: It would be too large, or somebody else has changed it meanwhile.
        """
        text = json.dumps({**self._document, "callers": entries}, separators=(",", ":"), ensure_ascii=False)
        size = len(text.encode())
        if size > LARGEST_SECRET_BYTES:
            raise CommandFailed(
                f"the callers' secret would be {size:,} bytes, a secret holds {LARGEST_SECRET_BYTES:,}: "
                "revoke who no longer calls"
            )
        if self._client.get_secret_value(SecretId=self._arn)["VersionId"] != self._version:
            raise CommandFailed(
                "somebody else has changed the callers' secret just now: nothing was written, try again"
            )
        self._client.put_secret_value(SecretId=self._arn, SecretString=text)
