"""Reads and writes a secret that is one JSON object. A change that someone else makes meanwhile is not overwritten."""

from __future__ import annotations

import json
from typing import Any

from kiln_cli.failures import CommandFailed
from kiln_cli.operating.installation import Installation

LARGEST_SECRET_BYTES = 65_536
"""Secrets Manager's limit of one secret."""

NOT_SET = "{}"
"""The content of a secret without a value: a new stack has no keys."""


class SecretDocument:
    """One secret of an installation.

    Args:
        installation: The installation.
        output: The stack's output with the secret's ARN.
        called: The secret in messages, such as "the callers' secret".
        too_large: What to do if the secret is too large.
    """

    def __init__(self, installation: Installation, output: str, called: str, too_large: str) -> None:
        self._client = installation.client("secretsmanager")
        self._arn = installation.output(output)
        self._called = called
        self._too_large = too_large
        self._version = ""

    def read(self) -> Any:
        """Returns the secret's JSON, or ``None`` if it is not JSON. A secret without a value is an empty object."""
        self._version, content = self._current()
        try:
            return json.loads(content)
        except ValueError:
            return None

    def write(self, document: dict[str, Any]) -> None:
        """Replaces the secret that was read last.

        Raises:
            CommandFailed: The secret would be too large, or it has changed since it was read.
        """
        content = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        size = len(content.encode())
        if size > LARGEST_SECRET_BYTES:
            raise CommandFailed(
                f"{self._called} must be at most {LARGEST_SECRET_BYTES:,} bytes, got {size:,}; {self._too_large}"
            )
        if self._current()[0] != self._version:
            raise CommandFailed(f"{self._called} has just been changed elsewhere; nothing was written, try again")
        self._version = self._client.put_secret_value(SecretId=self._arn, SecretString=content)["VersionId"]

    def _current(self) -> tuple[str, str]:
        """The current version and its content; a new stack's secret has neither."""
        try:
            answer = self._client.get_secret_value(SecretId=self._arn)
        except self._client.exceptions.ResourceNotFoundException as error:
            if "AWSCURRENT" not in str(error):
                raise
            return "", NOT_SET
        return answer["VersionId"], answer.get("SecretString") or NOT_SET
