"""Finds the Kiln that a command talks to and its key: options, environment, profiles, or the local stack."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs
import tomli_w

from kiln_client import InvalidSetting, NotConfigured

DEFAULT_PROFILE = "default"
LOCAL_PROFILE = "local"
"""Always the local stack, whatever the default profile is."""

LOCAL_STACK = Path(".kiln", "stack.json")
NO_DESCRIPTION = "must describe a local stack; stop the stack and start it again with make up"


@dataclass(frozen=True)
class Connection:
    """An API and a key for it.

    Attributes:
        url: The API's address.
        key: The caller's key.
        origin: The place that names both, for messages.
        is_local: Whether it is the local stack, whose key is no secret.
    """

    url: str
    key: str = field(repr=False)
    origin: str
    is_local: bool = False


def find_connection(
    url: str | None = None,
    key: str | None = None,
    profile: str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Connection:
    """Finds the Kiln to talk to.

    The order is: ``--url`` and ``--key``; ``--profile``; ``KILN_URL`` and ``KILN_KEY``; ``KILN_PROFILE``; the profile
    ``default``; the local stack of this folder or of one above it.

    Raises:
        NotConfigured: None of them names a Kiln.
        InvalidSetting: The profile does not exist, or there is no key for the address.
    """
    environment = os.environ if environment is None else environment
    if url and key:
        return Connection(url, key, "--url and --key")
    if profile is None:
        known = environment.get("KILN_URL")
        # KILN_KEY belongs to KILN_URL and must not be sent elsewhere.
        if not (url and known) or _is_same(url, known):
            key = key or environment.get("KILN_KEY")
        url = url or known
        if url and key:
            return Connection(url, key, "KILN_URL and KILN_KEY")
    found = _by_name(profile or environment.get("KILN_PROFILE"), folder or Path.cwd())
    if url and (found is None or not _is_same(url, found.url)):
        raise InvalidSetting(f"no key for {url}: pass --key, or run kiln login --url {url}")
    if found is None:
        raise NotConfigured(f"{no_local_stack(folder or Path.cwd())}, or run kiln login")
    return Connection(found.url, key or found.key, found.origin, found.is_local)


def config_file() -> Path:
    """The file of the profiles."""
    return platformdirs.user_config_path("kiln", appauthor=False) / "config.toml"


def read_profiles(file: Path) -> dict[str, dict[str, str]]:
    """Returns the profiles of a file, by name; none if the file does not exist.

    Raises:
        NotConfigured: ``kiln login`` did not write this file.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotConfigured(f"{file}: can't be read: {error}") from None
    profiles = content.get("profiles", {})
    return {name: {field: str(value) for field, value in each.items()} for name, each in profiles.items()}


def write_profile(file: Path, name: str, url: str, key: str) -> None:
    """Stores a profile beside the others."""
    profiles = read_profiles(file)
    profiles[name] = profiles.get(name, {}) | {"url": url, "key": key}
    _write(file, profiles)


def remove_profile(file: Path, name: str) -> bool:
    """Removes a profile, and returns whether there was one."""
    profiles = read_profiles(file)
    if profiles.pop(name, None) is None:
        return False
    _write(file, profiles)
    return True


def _write(file: Path, profiles: Mapping[str, Mapping[str, str]]) -> None:
    """Writes all profiles. The file contains keys, so only its owner may read it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = file.with_suffix(f".{os.getpid()}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as target:
        target.write("# Written by kiln login.\n" + tomli_w.dumps({"profiles": profiles}))
    partial.replace(file)


def local_stack(folder: Path) -> tuple[Path, Any] | None:
    """The description of the local stack in a folder or in one above it, and its file; ``None`` if there is no stack.

    Raises:
        NotConfigured: The file is no description of a stack.
    """
    for each in (folder, *folder.parents):
        file = each / LOCAL_STACK
        try:
            return file, json.loads(file.read_text(encoding="utf-8"))
        except OSError:
            continue
        except ValueError:
            raise NotConfigured(f"{file}: {NO_DESCRIPTION}") from None
    return None


def no_local_stack(folder: Path) -> str:
    """The reason and the first way out, for a folder that is in no running stack's."""
    return f"no running local stack in this folder or above it ({folder}); start one with make up, go to its folder"


def _is_same(url: str, other: str) -> bool:
    return url.rstrip("/") == other.rstrip("/")


def _by_name(profile: str | None, folder: Path) -> Connection | None:
    file = config_file()
    profiles = read_profiles(file)
    name = profile or DEFAULT_PROFILE
    if name in profiles and name != LOCAL_PROFILE:
        stored = profiles[name]
        if not stored.get("url") or not stored.get("key"):
            raise NotConfigured(f"{file}: profile {name} must have url and key; run kiln login")
        return Connection(stored["url"], stored["key"], f"profile {name} of {file}")
    if profile not in {None, LOCAL_PROFILE}:
        known = ", ".join(profiles) or "no profiles"
        raise InvalidSetting(f"no profile {profile} in {file}, got {known}; create it with kiln login --profile")
    found = local_stack(folder)
    if found is None:
        return None
    file, here = found
    try:
        return Connection(here["api_url"], here["api_key"], str(file), is_local=True)
    except (KeyError, TypeError):
        raise NotConfigured(f"{file}: {NO_DESCRIPTION}") from None
