"""The provider accounts of a stack: their names and keys, for the simulated provider and for Kiln's secret."""

from __future__ import annotations

import secrets
import time
from typing import Any

import jwt

DEFAULT = "default"


class ProviderAccounts:
    """Accounts with random keys: ``default``, ``account-2``, ``account-3`` and so on.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._keys = {
            name: {"access_key": secrets.token_hex(16), "secret_key": secrets.token_hex(32)}
            for name in [DEFAULT, *(f"account-{number}" for number in range(2, count + 1))]
        }

    @property
    def names(self) -> list[str]:
        """The accounts' names."""
        return list(self._keys)

    def keys(self, name: str = DEFAULT) -> dict[str, str]:
        """One account's access key and secret key."""
        return dict(self._keys[name])

    def arguments(self) -> list[str]:
        """The options of the simulated provider."""
        default = self._keys[DEFAULT]
        options = ["--access-key", default["access_key"], "--secret-key", default["secret_key"]]
        for name, keys in self._keys.items():
            if name != DEFAULT:
                options += ["--account", name, keys["access_key"], keys["secret_key"]]
        return options

    def secret(self) -> dict[str, Any]:
        """Kiln's secret: a pair of keys for one account, a list for several. Each has the template's slots."""
        if len(self._keys) == 1:
            return {**self.keys()}
        return {"accounts": [{"name": name, **keys} for name, keys in self._keys.items()]}

    def token(self, name: str = DEFAULT) -> str:
        """A token for direct requests to the simulated provider."""
        keys = self._keys[name]
        claims = {"iss": keys["access_key"], "exp": int(time.time()) + 1_800}
        return jwt.encode(claims, keys["secret_key"], algorithm="HS256")
